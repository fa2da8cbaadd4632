// Signed request objects (RFC 9101, OpenID Connect Core §6), by value and by reference, at both endpoints. Titles name the
// modules of the OpenID Foundation's suite that ask the same.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, it } from 'node:test';
import * as jose from 'jose';
import { Elsewhere } from '../support/elsewhere.js';
import { graduate } from '../support/people.js';
import { authorization, authorize, callback, clients, metadata, push, random, redeem, responseOf, signedIn, signInAt, verified } from '../support/protocol.js';
import { onEachDatabase, people } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const keys = {};
for (const alg of algorithms) keys[alg] = await jose.generateKeyPair(alg, { extractable: true });
const published = await Promise.all(algorithms.map(async (alg) => ({ ...(await jose.exportJWK(keys[alg].publicKey)), kid: alg, alg })));
const stranger = await jose.generateKeyPair('ES256', { extractable: true });
const elsewhere = await Elsewhere.open();
after(() => elsewhere.close());

const signing = {
  ...clients.first, client_id: 'signing-app', client_secret: 'signing-app-secret-7Wq1nB', jwks: { keys: published },
  request_uris: [`${elsewhere.origin}/request`, `${elsewhere.origin}/other#v1`, `${elsewhere.origin}/missing`, `${elsewhere.origin}/moved`, `${elsewhere.origin}/huge`],
};
const strict = { ...signing, client_id: 'strict-app', require_signed_request_object: true, request_object_signing_alg: 'ES256', request_uris: [] };
const another = { ...signing, client_id: 'another-app', jwks: { keys: [{ ...(await jose.exportJWK(stranger.publicKey)), kid: 'ES256', alg: 'ES256' }] }, request_uris: [] };

const now = () => Math.floor(Date.now() / 1_000);
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const withoutUndefined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

onEachDatabase('request objects', { accounts: people, clients: [clients.first, signing, strict, another], settings: elsewhere.settings }, (at) => {
  const person = async () => {
    at.visitor ??= await signedIn(at.provider, graduate);
    return at.visitor;
  };
  /** A request of `client` as the claims of an object, with changes. */
  const asked = (client = signing, changes = {}) => {
    const { parameters, verifier } = authorization(client);
    return { verifier, claims: withoutUndefined({ iss: client.client_id, aud: at.provider.issuer(), exp: now() + 300, nbf: now(), jti: random(), ...parameters, ...changes }) };
  };
  const sign = (claims, { alg = 'ES256', key = keys[alg].privateKey, header = {} } = {}) => new jose.SignJWT(claims).setProtectedHeader({ alg, kid: alg, typ: 'oauth-authz-req+jwt', ...header }).sign(key);
  const unsigned = (claims, alg = 'none') => `${encode({ alg })}.${encode(claims)}.`;
  const outside = (client, object) => ({ client_id: client.client_id, redirect_uri: callback, state: 'outside', request: object });
  const errorAt = async (client, object) => {
    const answer = await authorize(await person(), at.provider, outside(client, object));
    const response = responseOf(answer);
    assert.ok(answer.location.startsWith(`${callback}?`));
    assert.equal(response.get('code'), null);
    assert.equal(response.get('iss'), at.provider.issuer());
    return response.get('error');
  };
  const errorOfPush = async (client, object, more = {}) => {
    const answer = await push(at.provider, client, { request: object, ...more });
    assert.equal(answer.status, 400, answer.text);
    return answer.json.error;
  };

  it('objects signed with each algorithm are taken, with nothing but client_id outside, and their parameters arrive', async () => {
    for (const alg of algorithms) {
      const { claims, verifier } = asked(signing, { max_age: 10_000, claims: { id_token: { email: null } } });
      const answer = await authorize(await person(), at.provider, { client_id: signing.client_id, request: await sign(claims, { alg }) });
      const response = responseOf(answer);
      assert.equal(response.get('state'), claims.state);
      const got = await redeem(at.provider, signing, { code: response.get('code'), verifier, parameters: claims });
      const { payload } = await verified(at.provider, got.json.id_token, signing);
      assert.equal(payload.nonce, claims.nonce);
      assert.equal(payload.email, graduate.email);
      const pushedToo = await push(at.provider, signing, { request: await sign(claims, { alg }) });
      assert.equal(pushedToo.status, 201, pushedToo.text);
      const named = { client_id: signing.client_id, request_uri: pushedToo.json.request_uri };
      assert.equal(responseOf(await authorize(await person(), at.provider, named)).get('state'), claims.state);
    }
  });

  it('discovery says what is supported', async () => {
    const document = await metadata(at.provider);
    assert.equal(document.request_parameter_supported, true);
    assert.equal(document.request_uri_parameter_supported, true);
    assert.equal(document.require_request_uri_registration, true);
    assert.deepEqual(new Set(document.request_object_signing_alg_values_supported), new Set(algorithms));
  });

  it('typ may be that of a request object, JWT or absent; exp, nbf, iss and aud too for clients of no profile', async () => {
    for (const typ of ['oauth-authz-req+jwt', 'JWT', 'OAUTH-AUTHZ-REQ+JWT', undefined]) {
      const { claims } = asked(signing, { iss: undefined, aud: undefined, exp: undefined, nbf: undefined, client_id: undefined });
      const answer = await push(at.provider, signing, { request: await sign(claims, { header: withoutUndefined({ typ }) }) });
      assert.equal(answer.status, 201, `${typ}: ${answer.text}`);
    }
  });

  it('several audiences with ours among them are fine (ensure-request-object-with-multiple-aud-succeeds)', async () => {
    const { claims } = asked(signing, { aud: ['https://other.example', at.provider.issuer()] });
    assert.equal((await push(at.provider, signing, { request: await sign(claims) })).status, 201);
  });

  it('8 seconds of the future are fine (ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted)', async () => {
    const { claims } = asked(signing, { nbf: now() + 8, iat: now() + 8 });
    assert.equal((await push(at.provider, signing, { request: await sign(claims) })).status, 201);
  });

  it('what stands outside does not count (O26; ensure-different-nonce-inside-and-outside-request-object, ensure-different-state-inside-and-outside-request-object, oidcc-ensure-request-object-with-redirect-uri)', async () => {
    const { claims, verifier } = asked(signing, { scope: 'openid' });
    const evil = { redirect_uri: 'https://evil.example/', state: 'outside', nonce: 'outside', scope: 'openid profile email', response_mode: 'form_post', prompt: 'login', code_challenge: 'x'.repeat(43), response_type: 'code' };
    const object = await sign(claims);
    const answer = await authorize(await person(), at.provider, { client_id: signing.client_id, request: object, ...evil });
    assert.ok(answer.location.startsWith(`${callback}?`), answer.location);
    const response = responseOf(answer);
    assert.equal(response.get('state'), claims.state);
    const got = await redeem(at.provider, signing, { code: response.get('code'), verifier, parameters: claims });
    assert.equal(got.json.scope, 'openid');
    assert.equal((await verified(at.provider, got.json.id_token, signing)).payload.nonce, claims.nonce);
    const pushedToo = await push(at.provider, signing, { request: object, ...evil });
    assert.equal(responseOf(await authorize(await person(), at.provider, { client_id: signing.client_id, request_uri: pushedToo.json.request_uri })).get('state'), claims.state);
  });

  it('state only outside is not used (state-only-outside-request-object-not-used)', async () => {
    const { claims } = asked(signing, { state: undefined });
    const response = responseOf(await authorize(await person(), at.provider, outside(signing, await sign(claims))));
    assert.ok(response.get('code'));
    assert.equal(response.get('state'), null);
  });

  it('the object’s parameters survive the login', async () => {
    const visitor = new Visitor();
    const { claims } = asked();
    const begun = await authorize(visitor, at.provider, outside(signing, await sign(claims)));
    assert.equal(responseOf(await signInAt(visitor, at.provider, begun, graduate)).get('state'), claims.state);
  });

  it('a redirect_uri inside that is not registered gives a page, at the push an error (O1)', async () => {
    for (const redirect of ['https://evil.example/', `${callback}/`, undefined]) {
      const object = await sign(asked(signing, { redirect_uri: redirect }).claims);
      const answer = await authorize(await person(), at.provider, outside(signing, object));
      assert.equal(answer.status, 400);
      assert.equal(answer.headers.location, undefined);
      assert.equal(await errorOfPush(signing, object), 'invalid_request');
    }
  });

  it('parameters inside pass the same checks as outside', async () => {
    for (const [changes, error] of [
      [{ response_type: 'token' }, 'unsupported_response_type'], [{ code_challenge: undefined }, 'invalid_request'], [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ scope: 'nothing' }, 'invalid_scope'], [{ prompt: 'create' }, 'invalid_request'], [{ max_age: -1 }, 'invalid_request'], [{ state: 'x'.repeat(3_000) }, 'invalid_request'],
    ]) {
      const object = await sign(asked(signing, changes).claims);
      assert.equal(await errorAt(signing, object), error, JSON.stringify(changes));
      assert.equal(await errorOfPush(signing, object), error, JSON.stringify(changes));
    }
  });

  const good = (changes) => asked(signing, changes).claims;
  for (const [what, make] of Object.entries({
    'an expired one (ensure-expired-request-object-fails)': () => sign(good({ exp: now() - 5 })),
    'another audience (ensure-request-object-with-bad-aud-fails)': () => sign(good({ aud: 'https://other.example' })),
    'other audiences': () => sign(good({ aud: ['https://other.example'] })),
    'an audience that is no text': () => sign(good({ aud: { is: at.provider.issuer() } })),
    'not valid before two minutes from now': () => sign(good({ nbf: now() + 120 })),
    'issued in two minutes': () => sign(good({ iat: now() + 120 })),
    'a time that is no number': () => sign(good({ exp: 'tomorrow' })),
    'another issuer': () => sign(good({ iss: 'first-app' })),
    'another client_id inside': () => sign(good({ client_id: 'first-app' })),
    'the client as its subject': () => sign(good({ sub: 'signing-app' })),
    'a request_uri inside (par-authorization-request-containing-request_uri)': () => sign(good({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })),
    'a request inside': () => sign(good({ request: 'a.b.c' })),
    'a broken signature (ensure-request-object-with-invalid-signature-fails)': async () => (await sign(good())).replace(/.{6}$/, 'AAAAAA'),
    'somebody else’s key (ensure-matching-key-in-authorization-request)': () => sign(good(), { key: stranger.privateKey }),
    'somebody else’s key in the header': async () => sign(good(), { key: stranger.privateKey, header: { jwk: await jose.exportJWK(stranger.publicKey) } }),
    'an unknown kid': () => sign(good(), { header: { kid: 'nobody' } }),
    'a key used with another algorithm': () => sign(good(), { alg: 'RS256', key: keys.RS256.privateKey, header: { kid: 'PS256' } }),
    'the type of an access token': () => sign(good(), { header: { typ: 'at+jwt' } }),
    'the type of an assertion': () => sign(good(), { header: { typ: 'client-authentication+jwt' } }),
    'HS256 with the public key': async () => {
      const signed = `${encode({ alg: 'HS256', kid: 'ES256' })}.${encode(good())}`;
      return `${signed}.${createHmac('sha256', JSON.stringify(published[2])).update(signed).digest('base64url')}`;
    },
    'no JWT': () => 'nonsense',
    'a list of claims': async () => `${encode({ alg: 'ES256', kid: 'ES256' })}.${encode([])}.AAAA`,
  })) {
    it(`refused with invalid_request_object at both endpoints: ${what}`, async () => {
      const object = await make();
      assert.equal(await errorAt(signing, object), 'invalid_request_object');
      assert.equal(await errorOfPush(signing, object), 'invalid_request_object');
    });
  }

  it('response_type outside and inside must agree (OpenID Connect Core §6.1)', async () => {
    const object = await sign(asked().claims);
    const answer = await authorize(await person(), at.provider, { ...outside(signing, object), response_type: 'id_token' });
    assert.match(answer.location, /error=invalid_request_object/);
    assert.equal(await errorOfPush(signing, object, { response_type: 'token' }), 'invalid_request_object');
  });

  it('an object that cannot be read is told to the app only at a registered address; else there is a page', async () => {
    for (const parameters of [{ client_id: signing.client_id }, { client_id: signing.client_id, redirect_uri: 'https://evil.example/' }]) {
      const answer = await authorize(await person(), at.provider, { ...parameters, request: 'nonsense' });
      assert.equal(answer.status, 400);
      assert.equal(answer.headers.location, undefined);
      assert.match(answer.text, /data-error-code="invalid_request_object"/);
    }
    const unknown = await authorize(await person(), at.provider, { client_id: 'nobody', redirect_uri: callback, request: 'nonsense' });
    assert.match(unknown.text, /data-error-code="invalid_client"/);
  });

  it('objects without a signature are not supported (oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported, ensure-request-object-signature-algorithm-is-not-none)', async () => {
    for (const alg of ['none', 'NONE']) {
      const object = unsigned(asked().claims, alg);
      assert.equal(await errorAt(signing, object), 'request_not_supported');
      assert.equal(await errorOfPush(signing, object), 'invalid_request_object');
    }
    assert.equal(await errorAt(clients.first, unsigned(asked(clients.first).claims)), 'request_not_supported');
    assert.equal(await errorAt(clients.first, await sign(asked(clients.first).claims)), 'invalid_request_object', 'a client without keys signs nothing');
  });

  it('a client registered so has to sign, with its algorithm (ensure-unsigned-request-at-par-endpoint-fails, ensure-signed-request-object-with-RS256-fails)', async () => {
    const { parameters } = authorization(strict);
    assert.equal(responseOf(await authorize(await person(), at.provider, parameters)).get('error'), 'invalid_request');
    assert.equal((await push(at.provider, strict, parameters)).json.error, 'invalid_request');
    for (const alg of ['RS256', 'PS256', 'EdDSA']) assert.equal(await errorOfPush(strict, await sign(asked(strict).claims, { alg })), 'invalid_request_object');
    const answer = await push(at.provider, strict, { request: await sign(asked(strict).claims) });
    assert.equal(answer.status, 201, answer.text);
    const named = { client_id: strict.client_id, request_uri: answer.json.request_uri };
    assert.ok(responseOf(await authorize(await person(), at.provider, named)).get('code'), 'a pushed object counts as signed');
    const visitor = new Visitor();
    const begun = await authorize(visitor, at.provider, outside(strict, await sign(asked(strict).claims)));
    assert.ok(responseOf(await signInAt(visitor, at.provider, begun, graduate)).get('code'), 'and so does one that waited for the login');
  });

  it('an object of another client, pushed or brought, is refused', async () => {
    const object = await sign(asked(another).claims, { key: stranger.privateKey });
    assert.equal((await push(at.provider, another, { request: object })).status, 201);
    assert.equal(await errorOfPush(signing, object), 'invalid_request_object');
    assert.equal(await errorAt(signing, object), 'invalid_request_object');
  });

  it('by reference: a registered request_uri is fetched (oidcc-request-uri-signed-rs256)', async () => {
    for (const [where, uri] of [['/request', `${elsewhere.origin}/request`], ['/request', `${elsewhere.origin}/request#v2`], ['/other', `${elsewhere.origin}/other#v1`]]) {
      const { claims } = asked();
      elsewhere.put(where, `${await sign(claims, { alg: 'RS256' })}\n`, { headers: { 'content-type': 'application/oauth-authz-req+jwt' } });
      const answer = await authorize(await person(), at.provider, { client_id: signing.client_id, response_type: 'code', scope: 'openid', request_uri: uri });
      assert.equal(responseOf(answer).get('state'), claims.state, uri);
    }
  });

  it('by reference without a signature (oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported, oidcc-request-uri-unsigned)', async () => {
    elsewhere.put('/request', unsigned(asked().claims));
    const answer = await authorize(await person(), at.provider, { client_id: signing.client_id, redirect_uri: callback, request_uri: `${elsewhere.origin}/request` });
    assert.equal(responseOf(answer).get('error'), 'request_uri_not_supported');
  });

  it('a request_uri that is not registered, gone, moved or too large is invalid_request_uri; only registered ones are asked for (O12)', async () => {
    elsewhere.put('/moved', '', { status: 302, headers: { location: `${elsewhere.origin}/request` } });
    elsewhere.put('/huge', 'x'.repeat(70_000));
    const before = elsewhere.seen.length;
    const attempt = async (uri, client = signing) => responseOf(await authorize(await person(), at.provider, { client_id: client.client_id, redirect_uri: callback, request_uri: uri })).get('error');
    for (const uri of [
      `${elsewhere.origin}/unregistered`, `${elsewhere.origin}/request?x=1`, `${elsewhere.origin}/./request`, `${elsewhere.origin}/other`, `${elsewhere.origin}/other#v2`,
      'http://127.0.0.1:9/x', 'https://localhost/request', 'file:///etc/passwd', 'urn:example:x', 'nonsense',
    ]) assert.equal(await attempt(uri), 'invalid_request_uri', uri);
    assert.equal(await attempt(`${elsewhere.origin}/request`, clients.first), 'invalid_request_uri');
    assert.equal(elsewhere.seen.length, before, 'nothing was fetched');
    for (const where of ['/missing', '/moved', '/huge']) assert.equal(await attempt(`${elsewhere.origin}${where}`), 'invalid_request_uri', where);
    assert.deepEqual(elsewhere.seen.slice(before), ['/missing', '/moved', '/huge'], 'no redirect was followed');
    elsewhere.put('/request', 'nonsense');
    assert.equal(await attempt(`${elsewhere.origin}/request`), 'invalid_request_object');
  });

  it('request and request_uri exclude each other, and what is repeated outside is refused (O2)', async () => {
    const object = await sign(asked().claims);
    const both = await authorize(await person(), at.provider, { ...outside(signing, object), request_uri: `${elsewhere.origin}/request` });
    assert.equal(responseOf(both).get('error'), 'invalid_request');
    for (const name of ['request', 'state', 'nonce']) {
      const twice = [...Object.entries(outside(signing, object)), ...(name === 'nonce' ? [['nonce', 'a']] : []), [name, 'b']];
      assert.equal(responseOf(await authorize(await person(), at.provider, twice)).get('error'), 'invalid_request', name);
    }
  });
});
