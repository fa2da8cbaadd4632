// Pushed authorization requests (RFC 9126). Titles name the modules of the OpenID Foundation's suite that ask the same.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as jose from 'jose';
import { request } from '../support/http.js';
import { graduate } from '../support/people.js';
import {
  authorization, authorize, callback, clients, metadata, push, pushed, random, redeem, responseOf, signedIn, signInAt, verified,
} from '../support/protocol.js';
import { everyClient, onEachDatabase, people } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const pushing = { ...clients.first, client_id: 'pushing-app', client_secret: 'pushing-app-secret-8Zk2xQpV', require_pushed_authorization_requests: true };

onEachDatabase('pushed authorization requests', { accounts: people, clients: [...everyClient, pushing], tenants: ['certificate', 'residence'], clock: true }, (at) => {
  const refused = (answer, error = 'invalid_request', status = 400) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.error, error, answer.text);
    assert.equal(answer.json.request_uri, undefined);
    assert.match(answer.headers['cache-control'], /no-store/);
  };
  const page = (answer, code = 'invalid_request_uri') => {
    assert.equal(answer.status, 400, `${answer.status} ${answer.location}`);
    assert.equal(answer.headers.location, undefined);
    assert.match(answer.text, new RegExp(`data-error-code="${code}"`));
  };
  const person = async () => {
    at.visitor ??= await signedIn(at.provider, graduate);
    return at.visitor;
  };

  it('a pushed request gets a name for a short time; client_id and the name are all that the browser brings (par-without-duplicate-parameters)', async () => {
    const { parameters } = authorization(clients.first);
    const answer = await push(at.provider, clients.first, parameters);
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.json.request_uri, /^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$/);
    assert.ok(answer.json.expires_in >= 60 && answer.json.expires_in <= 90);
    assert.match(answer.headers['cache-control'], /no-store/);
    const { parameters: asked, verifier, named } = await pushed(at.provider, clients.first);
    const response = responseOf(await authorize(await person(), at.provider, named));
    assert.equal(response.get('state'), asked.state);
    assert.equal(response.get('iss'), at.provider.issuer());
    const got = await redeem(at.provider, clients.first, { code: response.get('code'), verifier, parameters: asked });
    assert.equal(got.status, 200, got.text);
    assert.equal((await verified(at.provider, got.json.id_token, clients.first)).payload.nonce, asked.nonce);
  });

  it('clients push with any way of authentication, public ones without; discovery names the endpoint', async () => {
    for (const client of everyClient) assert.match((await pushed(at.provider, client)).named.request_uri, /^urn:/);
    const document = await metadata(at.provider);
    assert.equal(document.pushed_authorization_request_endpoint, `${at.provider.issuer()}/par`);
  });

  it('nothing else at the authorization endpoint changes a pushed request (O26; state-only-outside-request-object-not-used)', async () => {
    const { named, parameters } = await pushed(at.provider, clients.first, { state: undefined, scope: 'openid' });
    const more = {
      redirect_uri: 'https://evil.example/', state: 'outside', scope: 'openid profile email', response_mode: 'form_post', prompt: 'login', max_age: '0',
      nonce: 'outside', code_challenge: 'x'.repeat(43), response_type: 'token', request: 'a.b.c', claims: '{',
    };
    const answer = await authorize(await person(), at.provider, { ...named, ...more });
    assert.ok(answer.location.startsWith(`${parameters.redirect_uri}?`), answer.location);
    const response = responseOf(answer);
    assert.ok(response.get('code'));
    assert.equal(response.get('state'), null);
  });

  it('the name opens as often as the person needs, and is used up by the answer (par-ensure-reused-request-uri-prior-to-auth-completion-succeeds, par-attempt-reuse-request_uri)', async () => {
    const visitor = new Visitor();
    const { named } = await pushed(at.provider, clients.first);
    const first = await authorize(visitor, at.provider, named);
    assert.match(first.location, /\/login\?/);
    const second = await authorize(visitor, at.provider, named);
    const answer = await signInAt(visitor, at.provider, second, graduate);
    assert.ok(responseOf(answer).get('code'), answer.location);
    page(await authorize(visitor, at.provider, named));
    const other = await visitor.send(first.location.replace('/login', '/authorize/resume'));
    assert.ok(!(other.location ?? '').includes('code='), 'the first tab gets no second answer');
  });

  it('ten openings at once by somebody who is signed in give one code', async () => {
    const { named } = await pushed(at.provider, clients.first);
    const visitor = await person();
    const answers = await Promise.all(Array.from({ length: 10 }, () => authorize(visitor, at.provider, named)));
    assert.equal(answers.filter(({ location }) => location?.includes('code=')).length, 1);
  });

  it('an error for the app uses the name up too', async () => {
    const { named, parameters } = await pushed(at.provider, clients.first, { prompt: 'none' });
    const response = responseOf(await authorize(new Visitor(), at.provider, named));
    assert.equal(response.get('error'), 'login_required');
    assert.equal(response.get('state'), parameters.state);
    page(await authorize(await person(), at.provider, named));
  });

  it('another client, another tenant, an unknown or changed name: a page (par-attempt-to-use-request_uri-for-different-client)', async () => {
    const { named } = await pushed(at.provider, clients.first);
    const visitor = await person();
    const uri = named.request_uri;
    for (const changes of [
      { client_id: clients.public.client_id }, { client_id: 'nobody' }, { client_id: undefined }, { request_uri: uri.slice(0, -1) }, { request_uri: `${uri}x` },
      { request_uri: `urn:ietf:params:oauth:request_uri:${random(32)}` }, { request_uri: 'urn:ietf:params:oauth:request_uri:' },
    ]) page(await authorize(visitor, at.provider, { ...named, ...changes }));
    page(await authorize(new Visitor(), at.provider, named, { tenant: 'residence' }));
    page(await authorize(visitor, at.provider, [...Object.entries(named), ['client_id', 'first-app']]), 'invalid_request');
    assert.ok(responseOf(await authorize(visitor, at.provider, named)).get('code'), 'none of this used it up');
  });

  it('a request_uri cannot be pushed (par-authorization-request-containing-request_uri-form-param)', async () => {
    const { named, parameters } = await pushed(at.provider, clients.first);
    for (const uri of [named.request_uri, 'https://app.example/request']) refused(await push(at.provider, clients.first, { ...parameters, request_uri: uri }));
  });

  it('only POST is there (par-attempt-invalid-http-method)', async () => {
    const { pushed_authorization_request_endpoint: endpoint } = await metadata(at.provider);
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await request(endpoint, { method });
      assert.equal(answer.status, 405, method);
      assert.match(answer.headers.allow, /POST/);
    }
  });

  it('who does not prove to be the client pushes nothing', async () => {
    const { parameters } = authorization(clients.first);
    refused(await push(at.provider, { ...clients.first, client_secret: 'wrong-secret' }, parameters), 'invalid_client', 401);
    refused(await push(at.provider, clients.first, parameters, { as: 'none' }), 'invalid_client', 401);
    refused(await push(at.provider, clients.first, { ...parameters, client_id: 'third-app' }));
    refused(await push(at.provider, clients.first, parameters, { as: 'client_secret_post' }), 'invalid_client', 401);
  });

  for (const [what, changes, error] of [
    ['no redirect_uri (ensure-request-object-without-redirect-uri-fails, ensure-redirect-uri-in-authorization-request)', { redirect_uri: undefined }, 'invalid_request'],
    ['an unregistered redirect_uri (plain-fapi-tolerate-unregistered-redirect-uri)', { redirect_uri: 'https://evil.example/' }, 'invalid_request'],
    ['a redirect_uri with more (O1)', { redirect_uri: `${callback}?x=1` }, 'invalid_request'],
    ['no PKCE (par-ensure-pkce-required)', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['plain PKCE (par-plain-pkce-rejected)', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['a challenge of odd length (O5)', { code_challenge: 'x'.repeat(44) }, 'invalid_request'],
    ['response_type token (ensure-response-type-token-fails)', { response_type: 'token' }, 'unsupported_response_type'],
    ['an unknown prompt', { prompt: 'create' }, 'invalid_request'],
    ['an unknown scope', { scope: 'nothing' }, 'invalid_scope'],
    ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
    ['a forged id_token_hint', { id_token_hint: 'e30.e30.' }, 'invalid_request'],
  ]) it(`${what}: refused at once`, async () => refused(await push(at.provider, clients.first, authorization(clients.first, changes).parameters), error));

  it('each parameter twice, or any in the address, is refused (O2)', async () => {
    const { parameters } = authorization(clients.first);
    for (const name of Object.keys(parameters)) refused(await push(at.provider, clients.first, [...Object.entries(parameters), [name, 'other']]));
    const { pushed_authorization_request_endpoint: endpoint } = await metadata(at.provider);
    const answer = await request(`${endpoint}?client_id=first-app`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '' });
    refused(answer);
  });

  it('long state and nonce come back whole or are refused (ensure-authorization-request-with-long-state, -with-long-nonce)', async () => {
    const long = 'x'.repeat(384);
    const { named, verifier, parameters } = await pushed(at.provider, clients.first, { state: long, nonce: long });
    const response = responseOf(await authorize(await person(), at.provider, named));
    assert.equal(response.get('state'), long);
    const got = await redeem(at.provider, clients.first, { code: response.get('code'), verifier, parameters });
    assert.equal((await verified(at.provider, got.json.id_token, clients.first)).payload.nonce, long);
    refused(await push(at.provider, clients.first, { ...parameters, state: 'x'.repeat(2_049) }));
  });

  it('a client registered so has to push (ensure-unsigned-authorization-request-without-using-par-fails)', async () => {
    const { parameters } = authorization(pushing);
    const response = responseOf(await authorize(await person(), at.provider, parameters));
    assert.equal(response.get('error'), 'invalid_request');
    assert.equal(response.get('code'), null);
    const { named } = await pushed(at.provider, pushing);
    assert.ok(responseOf(await authorize(await person(), at.provider, named)).get('code'));
  });

  it('assertions: each once, 8 seconds ahead is fine, over 60 is not (par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted, -nbf-over-60-seconds-in-the-future-fails)', async () => {
    const { publicKey, privateKey } = await jose.generateKeyPair('ES256');
    const client = { ...clients.first, client_id: 'asserting-app', client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), kid: 'k' }] } };
    await at.provider.registerClient(client);
    const now = Math.floor(Date.now() / 1_000);
    const sign = (claims) => new jose.SignJWT({ iss: client.client_id, sub: client.client_id, aud: at.provider.issuer(), jti: random(), iat: now, exp: now + 200, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey);
    const attempt = (assertion) => push(at.provider, client, { ...authorization(client).parameters, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion }, { as: 'x' });
    const good = await sign({ nbf: now + 8 });
    assert.equal((await attempt(good)).status, 201);
    refused(await attempt(good), 'invalid_client', 401);
    refused(await attempt(await sign({ nbf: now + 90 })), 'invalid_client', 401);
    for (const aud of ['token_endpoint', 'pushed_authorization_request_endpoint']) assert.equal((await attempt(await sign({ aud: (await metadata(at.provider))[aud] }))).status, 201, `RFC 9126 §2 has ${aud} accepted`);
    refused(await attempt(await sign({ aud: at.provider.issuer('residence') })), 'invalid_client', 401);
    const kept = JSON.stringify(await at.provider.database.rows("SELECT payload FROM one_time WHERE purpose = 'pushed_request'"));
    assert.ok(kept.includes('asserting-app'));
    for (const secret of [good, clients.first.client_secret, clients.third.client_secret, 'client_secret', 'client_assertion']) assert.ok(!kept.includes(secret), 'credentials are not kept');
  });

  it('after its time the name is unknown, while a login begun in time goes on (par-attempt-to-use-expired-request_uri)', async () => {
    const visitor = new Visitor();
    const { named, expiresIn } = await pushed(at.provider, clients.first);
    const begun = await authorize(visitor, at.provider, named);
    await at.provider.advance(expiresIn + 1);
    page(await authorize(visitor, at.provider, named));
    assert.ok(responseOf(await signInAt(visitor, at.provider, begun, graduate)).get('code'));
  });
});
