// Clients under a FAPI 2.0 profile: the Security Profile, and Message Signing on top. Titles name the modules of the OpenID
// Foundation's suite that ask the same (fapi2-security-profile-final, fapi2-message-signing-final).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as jose from 'jose';
import { graduate } from '../support/people.js';
import { authorization, authorize, metadata, pkce, push, random, redeem, responseOf, signedIn, signInAt, userinfo, verified } from '../support/protocol.js';
import { onEachDatabase, people } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const algorithms = ['PS256', 'ES256', 'EdDSA', 'RS256'];
const keys = {};
for (const alg of algorithms) keys[alg] = await jose.generateKeyPair(alg, { extractable: true });
const jwks = { keys: await Promise.all(algorithms.map(async (alg) => ({ ...(await jose.exportJWK(keys[alg].publicKey)), kid: alg }))) };
const strangers = await jose.generateKeyPair('PS256', { extractable: true });
const strangersJwks = { keys: [{ ...(await jose.exportJWK(strangers.publicKey)), kid: 'PS256' }] };

const redirects = ['https://rp.example/callback', 'https://rp.example/callback?dummy1=lorem&dummy2=ipsum'];
const common = {
  client_name: 'Guarded', redirect_uris: redirects, grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'private_key_jwt', first_party: true,
  id_token_signed_response_alg: 'PS256', authorization_signed_response_alg: 'PS256', introspection_signed_response_alg: 'PS256',
};
const guarded = { ...common, client_id: 'guarded-app', security_profile: 'fapi2_security', jwks };
const second = { ...common, client_id: 'second-app', security_profile: 'fapi2_security', jwks: strangersJwks };
const signing = { ...common, client_id: 'message-app', security_profile: 'fapi2_message_signing', jwks };
const other = { ...common, client_id: 'other-message-app', security_profile: 'fapi2_message_signing', jwks: strangersJwks };

const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

async function shortLives(files) {
  const text = await files.read('tenant.toml');
  await files.write('tenant.toml', text.replace('code_lifetime = "1m"', 'code_lifetime = "10m"'));
}

onEachDatabase('FAPI 2.0', { accounts: people, clients: [guarded, second, signing, other], clock: true, edit: shortLives }, (at) => {
  const now = () => Math.floor(Date.now() / 1_000) + (at.provider.offset ?? 0);
  const person = async () => {
    at.visitor ??= await signedIn(at.provider, graduate);
    return at.visitor;
  };
  const keyOf = (client, alg) => (client.jwks === jwks ? keys[alg].privateKey : strangers.privateKey);
  const signed = async (claims, client, { alg = 'PS256', key = keyOf(client, alg), typ } = {}) => {
    const payload = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
    return new jose.SignJWT(payload).setProtectedHeader({ alg, kid: alg, ...(typ && { typ }) }).sign(key);
  };
  const assertion = (client, changes = {}, how) => signed({ iss: client.client_id, sub: client.client_id, aud: at.provider.issuer(), jti: random(), iat: now(), exp: now() + 120, ...changes }, client, how);
  const proof = async (client, changes, how) => ({ client_assertion_type: type, client_assertion: await assertion(client, changes, how) });
  const object = (client, changes = {}, how = {}) => {
    const { parameters, verifier } = authorization(client, { response_mode: 'jwt' });
    const claims = { iss: client.client_id, aud: at.provider.issuer(), nbf: now(), exp: now() + 300, jti: random(), ...parameters, ...changes };
    return signed(claims, client, { typ: 'oauth-authz-req+jwt', ...how }).then((request) => ({ request, parameters: { ...parameters, ...changes }, verifier }));
  };
  /** Pushes the parameters of a good request with changes. */
  const pushPlain = async (client, changes = {}, credentials) => {
    const { parameters, verifier } = authorization(client, { scope: 'openid profile', ...changes });
    const answer = await push(at.provider, client, { ...parameters, ...(credentials ?? await proof(client)) }, { as: 'x' });
    return { answer, parameters, verifier };
  };
  const pushObject = async (client, changes, how) => {
    const made = await object(client, changes, how);
    return { ...made, answer: await push(at.provider, client, { request: made.request, ...(await proof(client)) }, { as: 'x' }) };
  };
  const named = (client, { answer }) => {
    assert.equal(answer.status, 201, answer.text);
    return { client_id: client.client_id, request_uri: answer.json.request_uri };
  };
  const codeOf = async (client, changes) => {
    const pushed = await pushPlain(client, changes);
    const response = responseOf(await authorize(await person(), at.provider, named(client, pushed)));
    assert.ok(response.get('code'), response.toString());
    return { ...pushed, code: response.get('code'), response };
  };
  const exchange = async (client, granted, changes = {}, credentials) => redeem(at.provider, client, granted, { ...(credentials ?? await proof(client)), ...changes }, { as: 'x' });
  const refused = (answer, ...errors) => {
    assert.ok([400, 401].includes(answer.status), `${answer.status} ${answer.text}`);
    assert.ok(errors.includes(answer.json.error), answer.text);
  };

  it('discovery-end-point-verification: PAR, S256, iss, private_key_jwt with PS256, ES256 and EdDSA', async () => {
    const document = await metadata(at.provider);
    assert.ok(document.pushed_authorization_request_endpoint);
    assert.deepEqual(document.code_challenge_methods_supported, ['S256']);
    assert.equal(document.authorization_response_iss_parameter_supported, true);
    assert.ok(document.token_endpoint_auth_methods_supported.includes('private_key_jwt'));
    for (const member of ['token_endpoint_auth_signing_alg_values_supported', 'request_object_signing_alg_values_supported', 'id_token_signing_alg_values_supported', 'authorization_signing_alg_values_supported']) {
      for (const alg of ['PS256', 'ES256', 'EdDSA']) assert.ok(document[member].includes(alg), `${member} ${alg}`);
    }
  });

  it('happy-flow, for two clients and two redirect URIs, with assertions of each algorithm (ensure-other-scope-order-succeeds, ensure-authorization-request-with-64-char-nonce-success)', async () => {
    for (const [client, alg, redirect] of [[guarded, 'PS256', redirects[0]], [guarded, 'ES256', redirects[1]], [guarded, 'EdDSA', redirects[0]], [second, 'PS256', redirects[1]]]) {
      const nonce = 'n'.repeat(64);
      const pushed = await pushPlain(client, { redirect_uri: redirect, nonce, scope: 'profile openid' }, await proof(client, {}, { alg }));
      const answer = await authorize(await person(), at.provider, named(client, pushed));
      assert.ok(answer.location.startsWith(redirect), answer.location);
      const response = responseOf(answer);
      assert.equal(response.get('state'), pushed.parameters.state);
      assert.equal(response.get('iss'), at.provider.issuer());
      const got = await exchange(client, { ...pushed, code: response.get('code') }, {}, await proof(client, {}, { alg }));
      assert.equal(got.status, 200, got.text);
      const { payload, protectedHeader } = await verified(at.provider, got.json.id_token, client);
      assert.equal(protectedHeader.alg, 'PS256');
      assert.equal(payload.nonce, nonce);
    }
  });

  it('ensure-authorization-request-without-state-success, ensure-authorization-request-without-nonce-success', async () => {
    const granted = await codeOf(guarded, { state: undefined, nonce: undefined });
    assert.equal(granted.response.get('state'), null);
    const got = await exchange(guarded, granted);
    assert.equal((await verified(at.provider, got.json.id_token, guarded)).payload.nonce, undefined);
  });

  it('user-rejects-authentication: access_denied with a state of 128 characters', async () => {
    const visitor = new Visitor();
    const state = 's'.repeat(128);
    const begun = await authorize(visitor, at.provider, named(guarded, await pushPlain(guarded, { state })));
    await visitor.visit(begun.location);
    const sent = visitor.submission('deny');
    const response = responseOf(await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } }));
    assert.equal(response.get('error'), 'access_denied');
    assert.equal(response.get('state'), state);
  });

  it('ensure-unsigned-authorization-request-without-using-par-fails', async () => {
    const { parameters } = authorization(guarded);
    assert.equal(responseOf(await authorize(await person(), at.provider, parameters)).get('error'), 'invalid_request');
  });

  for (const [what, changes, errors] of [
    ['ensure-response-type-code-idtoken-fails', { response_type: 'code id_token' }, ['unsupported_response_type', 'unauthorized_client']],
    ['ensure-response-type-token-fails', { response_type: 'token' }, ['unsupported_response_type']],
    ['par-ensure-pkce-required', { code_challenge: undefined, code_challenge_method: undefined }, ['invalid_request']],
    ['par-plain-pkce-rejected', { code_challenge_method: 'plain' }, ['invalid_request']],
    ['ensure-redirect-uri-in-authorization-request', { redirect_uri: undefined }, ['invalid_request']],
    ['plain-fapi-tolerate-unregistered-redirect-uri', { redirect_uri: 'https://rp.example/other' }, ['invalid_request']],
    ['par-authorization-request-containing-request_uri-form-param', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, ['invalid_request']],
  ]) it(`${what}: ${errors.join(' or ')}`, async () => refused((await pushPlain(guarded, changes)).answer, ...errors));

  it('assertions: the issuer as text is the one audience (par-test-array-as-audience-fails, par-test-par-endpoint-url-as-audience-fails, par-test-token-endpoint-url-as-audience-fails, ensure-client-assertion-with-wrong-aud-fails)', async () => {
    const document = await metadata(at.provider);
    const granted = await codeOf(guarded);
    for (const aud of [[at.provider.issuer()], document.pushed_authorization_request_endpoint, document.token_endpoint, [at.provider.issuer(), document.token_endpoint], 'https://other.example', `${at.provider.issuer()}/`, undefined]) {
      refused((await pushPlain(guarded, {}, await proof(guarded, { aud }))).answer, 'invalid_client');
      refused(await exchange(guarded, granted, {}, await proof(guarded, { aud })), 'invalid_client');
    }
    assert.equal((await exchange(guarded, granted)).status, 200);
  });

  it('assertions: RS256, old, of the future, without sub, replayed or absent ones are invalid_client (ensure-signed-client-assertion-with-RS256-fails, ensure-client-assertion-with-exp-is-5-minutes-in-past-fails, ensure-client-assertion-with-no-sub-fails, par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails, ensure-client-assertion-in-token-endpoint)', async () => {
    const granted = await codeOf(guarded);
    const used = await proof(guarded);
    named(guarded, await pushPlain(guarded, {}, used));
    for (const [what, credentials] of Object.entries({
      RS256: await proof(guarded, {}, { alg: 'RS256' }),
      expired: await proof(guarded, { iat: now() - 360, exp: now() - 300 }),
      future: await proof(guarded, { nbf: now() + 90 }),
      'no sub': await proof(guarded, { sub: undefined }),
      'no jti': await proof(guarded, { jti: undefined }),
      stranger: await proof(guarded, {}, { key: strangers.privateKey }),
      replayed: used,
      none: { client_id: guarded.client_id },
    })) {
      refused((await pushPlain(guarded, {}, credentials)).answer, 'invalid_client');
      assert.ok(['invalid_client'].includes((await exchange(guarded, granted, {}, credentials)).json.error), what);
    }
    assert.equal((await pushPlain(guarded, {}, await proof(guarded, { nbf: now() + 8 }))).answer.status, 201, 'par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted');
    assert.equal((await exchange(guarded, granted)).status, 200);
  });

  it('PKCE at the token endpoint (ensure-pkce-code-verifier-required, incorrect-pkce-code-verifier-rejected)', async () => {
    const granted = await codeOf(guarded);
    for (const verifier of [undefined, pkce().verifier]) refused(await exchange(guarded, granted, { code_verifier: verifier }), 'invalid_grant');
    assert.equal((await exchange(guarded, granted)).status, 200);
  });

  it('ensure-authorization-code-is-bound-to-client, ensure-client-id-in-token-endpoint', async () => {
    const granted = await codeOf(guarded);
    refused(await exchange(second, granted), 'invalid_grant');
    refused(await exchange(guarded, granted, { client_id: second.client_id }), 'invalid_client');
    assert.equal((await exchange(guarded, granted)).status, 200);
  });

  it('attempt-reuse-authorization-code-after-one-second: refused, and the first token is over', async () => {
    const granted = await codeOf(guarded);
    const got = await exchange(guarded, granted);
    await at.provider.advance(1);
    refused(await exchange(guarded, granted), 'invalid_grant');
    assert.equal((await userinfo(at.provider, got.json.access_token)).status, 401);
  });

  it('message signing: a signed request and a signed response (happy-flow)', async () => {
    for (const alg of ['PS256', 'ES256', 'EdDSA']) {
      const pushed = await pushObject(signing, {}, { alg });
      const answer = await authorize(await person(), at.provider, named(signing, pushed));
      const response = responseOf(answer);
      assert.deepEqual([...response.keys()], ['response']);
      const { payload, protectedHeader } = await verified(at.provider, response.get('response'), signing);
      assert.equal(protectedHeader.alg, 'PS256');
      assert.equal(payload.state, pushed.parameters.state);
      assert.equal((await exchange(signing, { ...pushed, code: payload.code })).status, 200);
    }
  });

  it('ensure-unsigned-request-at-par-endpoint-fails, and responses are signed: response_mode says so', async () => {
    refused((await pushPlain(signing, { response_mode: 'jwt' })).answer, 'invalid_request');
    for (const mode of [undefined, 'query', 'fragment', 'form_post']) refused((await pushObject(signing, { response_mode: mode })).answer, 'invalid_request');
    const { request } = await object(signing);
    const direct = responseOf(await authorize(await person(), at.provider, { client_id: signing.client_id, request }));
    assert.equal(jose.decodeJwt(direct.get('response')).error, 'invalid_request', 'and pushed');
  });

  it('request objects: several audiences, 8 seconds of the future, an hour of the past are fine (ensure-request-object-with-multiple-aud-succeeds, ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted)', async () => {
    for (const changes of [{ aud: [at.provider.issuer(), 'https://other.example'] }, { nbf: now() + 8 }, { nbf: now() - 3_500, exp: now() + 60 }]) named(signing, await pushObject(signing, changes));
  });

  const wrong = {
    'ensure-request-object-without-exp-fails': [{ exp: undefined }],
    'ensure-request-object-without-nbf-fails': [{ nbf: undefined }],
    'without aud': [{ aud: undefined }],
    'ensure-expired-request-object-fails': [() => ({ nbf: now() - 300, exp: now() - 5 })],
    'ensure-request-object-with-bad-aud-fails': [{ aud: 'https://other.example' }],
    'ensure-request-object-with-exp-over-60-fails': [() => ({ nbf: now(), exp: now() + 70 * 60 })],
    'ensure-request-object-with-nbf-over-60-fails': [() => ({ nbf: now() - 70 * 60, exp: now() + 60 })],
    'ensure-signed-request-object-with-RS256-fails': [{}, { alg: 'RS256' }],
    'ensure-request-object-with-invalid-signature-fails': [{}, {}, (jwt) => jwt.replace(/.{8}$/, 'AAAAAAAA')],
    'ensure-request-object-signature-algorithm-is-not-none': [{}, {}, (jwt) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${jwt.split('.')[1]}.`],
    'ensure-matching-key-in-authorization-request': [{}, { key: strangers.privateKey }],
    'par-authorization-request-containing-request_uri': [{ request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
  };
  for (const [what, [changes, how, spoil = (jwt) => jwt]] of Object.entries(wrong)) {
    it(`${what}: invalid_request_object`, async () => {
      const { request } = await object(signing, typeof changes === 'function' ? changes() : changes, how);
      refused(await push(at.provider, signing, { request: spoil(request), ...(await proof(signing)) }, { as: 'x' }), 'invalid_request_object');
    });
  }

  it('ensure-request-object-without-redirect-uri-fails, and long state and nonce work (ensure-authorization-request-with-long-state, ensure-authorization-request-with-long-nonce)', async () => {
    refused((await pushObject(signing, { redirect_uri: undefined })).answer, 'invalid_request');
    named(signing, await pushObject(signing, { state: 'x'.repeat(384), nonce: 'x'.repeat(384) }));
  });

  it('par-attempt-to-use-request_uri-for-different-client, par-attempt-reuse-request_uri', async () => {
    const pushed = named(guarded, await pushPlain(guarded));
    const answer = await authorize(await person(), at.provider, { ...pushed, client_id: second.client_id });
    assert.equal(answer.status, 400);
    assert.ok(responseOf(await authorize(await person(), at.provider, pushed)).get('code'));
    assert.equal((await authorize(await person(), at.provider, pushed)).status, 400);
  });

  it('par-ensure-reused-request-uri-prior-to-auth-completion-succeeds', async () => {
    const visitor = new Visitor();
    const pushed = named(signing, await pushObject(signing));
    await authorize(visitor, at.provider, pushed);
    const answer = await signInAt(visitor, at.provider, await authorize(visitor, at.provider, pushed), graduate);
    assert.ok((await verified(at.provider, responseOf(answer).get('response'), signing)).payload.code);
  });

  it('metadata that break the profile are not registered', async () => {
    for (const changes of [
      { token_endpoint_auth_method: 'client_secret_basic' }, { token_endpoint_auth_method: 'none' }, { require_pkce: false }, { redirect_uris: ['http://127.0.0.1/callback'] },
      { id_token_signed_response_alg: 'RS256' }, { request_object_signing_alg: 'RS256' }, { authorization_signed_response_alg: 'RS256' },
      { response_types: ['code', 'code id_token'], grant_types: ['authorization_code', 'implicit'] }, { security_profile: 'fapi3' },
    ]) {
      const file = await at.provider.file('broken.json', { ...signing, client_id: 'broken-app', ...changes });
      assert.notEqual((await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', file])).code, 0, JSON.stringify(changes));
    }
  });

  it('ensure-token-endpoint-fails-with-expired-auth-code: after 60 seconds, whatever the tenant gives others; par-attempt-to-use-expired-request_uri', async () => {
    const granted = await codeOf(guarded);
    const pushed = await pushPlain(guarded);
    await at.provider.advance(61);
    refused(await exchange(guarded, granted), 'invalid_grant');
    await at.provider.advance(40);
    assert.equal((await authorize(await person(), at.provider, named(guarded, pushed))).status, 400);
  });
});
