// Dynamic client registration: off by default, with an operator's token, by the rules for every client (RFC 7591, RFC 7592).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { graduate } from '../support/people.js';
import { request, until } from '../support/http.js';
import { authorization, authorize, callback, code, metadata, redeem, responseOf, signedIn, verified } from '../support/protocol.js';
import { everybody, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const app = { client_name: 'App', 'client_name#ja': 'アプリ', redirect_uris: [callback], logo_uri: 'https://app.example/logo.png', policy_uri: 'https://app.example/policy', tos_uri: 'https://app.example/tos' };

/** Switches registration on at one tenant; the other keeps the default. */
const edit = async (files, slug) => {
  if (slug === 'certificate') await files.write('tenant.toml', `${await files.read('tenant.toml')}\n[client_registration]\nenabled = true\n`);
};

onEachDatabase('client registration', { accounts: everybody, tenants: ['certificate', 'residence'], edit }, (at) => {
  const send = async (method, url, token, body) => request(url, {
    method, headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const initial = async (tenant = 'certificate', ...more) => JSON.parse((await at.provider.must(['client', 'initial-token', '--tenant', tenant, ...more])).stdout).initial_access_token;
  let token;
  const register = async (body, by) => {
    token ??= await initial();
    const { registration_endpoint: endpoint } = await metadata(at.provider);
    return send('POST', endpoint, by === undefined ? token : by, body);
  };

  it('O23: it is off unless the tenant says so, and needs the token of an operator', async () => {
    assert.equal((await metadata(at.provider, 'residence')).registration_endpoint, undefined);
    const closed = `${at.provider.issuer('residence')}/connect/register`;
    assert.equal((await send('POST', closed, await initial('residence'), app)).status, 404);
    for (const [by, why] of [['', 'none'], ['x'.repeat(43), 'a guess'], [await initial('residence'), 'another tenant’s']]) {
      const refused = await register(app, by);
      assert.equal(refused.status, 401, why);
      assert.match(refused.headers['www-authenticate'], /^Bearer .*invalid_token/);
    }
  });

  it('oidcc-registration: a client registers, logs somebody in after consent, and is read, changed and deleted', async () => {
    const made = await register({ ...app, scope: 'openid profile', unheard_of: { x: [1] } });
    assert.equal(made.status, 201, made.text);
    assert.match(made.headers['cache-control'], /no-store/);
    const client = made.json;
    assert.ok(client.client_id && client.client_secret && client.registration_access_token);
    assert.equal(client.client_secret_expires_at, 0);
    assert.ok(client.client_id_issued_at > 1_700_000_000);
    assert.equal(client.unheard_of, undefined, 'what is unknown is ignored');
    assert.equal(client.first_party, undefined);
    const own = { ...client, redirect_uris: [callback] };

    // O21: nobody's data without a page, however signed in
    const visitor = await signedIn(at.provider, graduate);
    const silent = authorization(own, { scope: 'openid profile', prompt: 'none' });
    assert.equal(responseOf(await authorize(visitor, at.provider, silent.parameters)).get('error'), 'consent_required');
    const granted = await redeem(at.provider, own, await code(visitor, at.provider, own, { scope: 'openid profile' }));
    assert.equal(granted.status, 200, granted.text);
    await verified(at.provider, granted.json.id_token, own);

    const { registration_client_uri: uri, registration_access_token: key } = client;
    const read = await send('GET', uri, key);
    assert.equal(read.status, 200);
    assert.equal(read.json.client_id, client.client_id);
    assert.equal(read.json.registration_client_uri, uri);
    assert.equal(read.json.client_secret, undefined, 'a secret is told once');
    // a change is held to the same rules
    const body = { ...app, client_id: client.client_id, client_secret: client.client_secret, initiate_login_uri: 'https://app.example/login', logo_uri: undefined };
    for (const bad of [{ redirect_uris: ['http://app.example/cb'] }, { first_party: true }, { client_id: 'other' }, { client_secret: 'guessed-secret' }]) {
      const refused = await send('PUT', uri, key, { ...body, ...bad });
      assert.equal(refused.status, 400, JSON.stringify(bad));
    }
    const changed = await send('PUT', uri, key, body);
    assert.equal(changed.status, 200, changed.text);
    assert.equal(changed.json.initiate_login_uri, 'https://app.example/login', 'oidcc-3rd_party-init-login');
    assert.equal((await send('GET', uri, key)).json.initiate_login_uri, 'https://app.example/login');
    assert.equal(changed.json.logo_uri, undefined, 'what is not said again is gone');
    const again = await redeem(at.provider, own, await code(visitor, at.provider, own, { scope: 'openid profile' }));
    assert.equal(again.status, 200, 'the secret stayed');

    // only with its own token
    const another = (await register(app)).json;
    for (const by of [another.registration_access_token, token, undefined]) assert.equal((await send('DELETE', uri, by)).status, 401);
    assert.equal((await send('DELETE', uri, key)).status, 204);
    assert.equal((await send('GET', uri, key)).status, 401);
    // every node has taken it up within a second
    await until('the client to be unknown', async () => (await authorize(visitor, at.provider, authorization(own).parameters)).status === 400, { timeout: 3_000 });
    assert.equal((await send('GET', another.registration_client_uri, another.registration_access_token)).status, 200);
  });

  it('oidcc-registration-*: metadata is refused with the code of the standard', async () => {
    const https = 'https://app.example/cb';
    for (const [why, body, error] of [
      ['no redirect URI', { redirect_uris: [] }, 'invalid_redirect_uri'],
      ['a fragment', { redirect_uris: [`${https}#x`] }, 'invalid_redirect_uri'],
      ['http', { redirect_uris: ['http://app.example/cb'] }, 'invalid_redirect_uri'],
      ['a script', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
      ['oidcc-3rd_party-init-login-nohttps', { initiate_login_uri: 'http://app.example/login' }, 'invalid_client_metadata'],
      ['a grant type that there is not', { grant_types: ['password'] }, 'invalid_client_metadata'],
      ['a method that there is not', { token_endpoint_auth_method: 'client_secret_jwt' }, 'invalid_client_metadata'],
      ['keys twice', { jwks: { keys: [{ kty: 'OKP' }] }, jwks_uri: 'https://app.example/jwks' }, 'invalid_client_metadata'],
      ['a private key', { jwks: { keys: [{ kty: 'oct', k: 'AA' }] } }, 'invalid_client_metadata'],
      ['an operator’s member', { first_party: true }, 'invalid_client_metadata'],
      ['an operator’s member', { require_pkce: false }, 'invalid_client_metadata'],
      ['O12: a sector inside', { subject_type: 'pairwise', sector_identifier_uri: 'https://127.0.0.1:9/x' }, 'invalid_client_metadata'],
    ]) {
      const refused = await register({ ...app, ...body });
      assert.equal(refused.status, 400, `${why}: ${refused.text}`);
      assert.equal(refused.json.error, error, why);
      assert.ok(refused.json.error_description, why);
    }
    for (const body of ['', '[]', '{', 'null']) assert.equal((await register(body)).json.error, 'invalid_client_metadata', body);
  });

  it('oidcc-registration-logo-uri, -policy-uri, -tos-uri: the login page shows them', async () => {
    const { json: client } = await register(app);
    const visitor = new Visitor();
    let answer = await authorize(visitor, at.provider, authorization({ ...client, redirect_uris: [callback] }).parameters);
    while (answer.location) answer = await visitor.send(answer.location);
    visitor.show(answer);
    assert.equal(await visitor.attribute('img#client_logo', 'src'), app.logo_uri);
    assert.equal(await visitor.attribute('a#client_policy', 'href'), app.policy_uri);
    assert.equal(await visitor.attribute('a#client_tos', 'href'), app.tos_uri);
  });
});
