// Introspection (RFC 7662, RFC 9701) and revocation (RFC 7009) over HTTP, as an independent client does them.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as jose from 'jose';
import { post, request } from '../support/http.js';
import { graduate } from '../support/people.js';
import { basic, clients, metadata, refresh, signedIn, tokens, userinfo } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';

onEachDatabase('introspection and revocation', { accounts: everybody, clients: everyClient }, (at) => {
  const person = async () => {
    at.visitor ??= await signedIn(at.provider, graduate);
    return at.visitor;
  };
  const ask = async (endpoint, fields, { client = clients.first, headers = {} } = {}) => {
    const { [endpoint]: url } = await metadata(at.provider);
    return post(url, fields, { ...basic(client), ...headers });
  };

  it('the metadata names both endpoints below the issuer, and how clients authenticate there', async () => {
    const document = await metadata(at.provider);
    for (const name of ['introspection', 'revocation']) {
      assert.ok(document[`${name}_endpoint`].startsWith(`${document.issuer}/`));
      assert.ok(document[`${name}_endpoint_auth_methods_supported`].includes('private_key_jwt'));
    }
    assert.ok(!document.introspection_endpoint_auth_methods_supported.includes('none'));
    assert.ok(document.introspection_signing_alg_values_supported.includes('ES256'));
  });

  it('a live token is told with what it is good for; after revocation it is inactive everywhere', async () => {
    const given = await tokens(await person(), at.provider, clients.first, { scope: 'openid email offline_access', prompt: 'consent' });
    const told = await ask('introspection_endpoint', { token: given.access_token });
    assert.equal(told.status, 200, told.text);
    assert.match(told.headers['cache-control'], /no-store/);
    assert.equal(told.headers['access-control-allow-origin'], undefined, 'no browser of another origin may ask');
    const { active, client_id: client, scope, exp, iat, sub, iss } = told.json;
    assert.deepEqual([active, client, iss], [true, clients.first.client_id, (await metadata(at.provider)).issuer]);
    assert.ok(scope.split(' ').includes('email'));
    assert.ok(exp > iat && Math.abs(iat - Date.now() / 1_000) < 60);
    assert.equal(sub, (await userinfo(at.provider, given.access_token)).json.sub);

    const revoked = await ask('revocation_endpoint', { token: given.refresh_token, token_type_hint: 'refresh_token' });
    assert.equal(revoked.status, 200, revoked.text);
    assert.deepEqual((await ask('introspection_endpoint', { token: given.access_token })).json, { active: false });
    assert.equal((await userinfo(at.provider, given.access_token)).status, 401);
    assert.equal((await refresh(at.provider, clients.first, given.refresh_token)).json.error, 'invalid_grant');
  });

  it('a signed answer verifies with the published keys', async () => {
    const given = await tokens(await person(), at.provider, clients.first);
    const type = 'application/token-introspection+jwt';
    const answer = await ask('introspection_endpoint', { token: given.access_token }, { headers: { accept: type } });
    assert.equal(answer.headers['content-type'], type);
    const { issuer, jwks_uri: keys } = await metadata(at.provider);
    const { payload, protectedHeader } = await jose.jwtVerify(answer.text, jose.createLocalJWKSet((await request(keys)).json), {
      issuer, audience: clients.first.client_id, typ: 'token-introspection+jwt',
    });
    assert.equal(protectedHeader.alg, 'RS256');
    assert.equal(payload.token_introspection.active, true);
  });

  it('nobody asks or revokes without being a client, and GET is not a way', async () => {
    const { introspection_endpoint: introspection, revocation_endpoint: revocation } = await metadata(at.provider);
    for (const url of [introspection, revocation]) {
      const answer = await post(url, { token: 'x' });
      assert.equal(answer.status, 401, answer.text);
      assert.equal(answer.json.error, 'invalid_client');
      assert.equal((await request(`${url}?token=x`)).status, 405);
    }
  });
});
