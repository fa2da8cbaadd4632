// OpenID Connect Back-Channel Logout: whatever ends a session, the apps that were used in it are told by the server.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as jose from 'jose';
import { until } from '../support/http.js';
import { graduate, otherGraduate } from '../support/people.js';
import { clients, metadata, signedIn, tokens, verified } from '../support/protocol.js';
import { request } from '../support/http.js';
import { everybody, onEachDatabase } from '../support/suite.js';
import { authority, receiver } from '../support/tls.js';

const tls = await authority();
const app = await receiver(tls);
const told = { ...clients.first, backchannel_logout_uri: `${app.origin}/first`, backchannel_logout_session_required: true };
const other = { ...clients.third, backchannel_logout_uri: `${app.origin}/third`, subject_type: 'pairwise', first_party: true };
const silent = { ...clients.first, client_id: 'silent', client_secret: 'secret-of-silent' };
const settings = { outbound: { extra_ca: tls.ca, allow_private: ['127.0.0.1'] } };

onEachDatabase('back-channel logout', { accounts: everybody, clients: [told, other, silent], settings }, (at) => {
  const session = async (visitor, client = told) => {
    const { id_token: token } = await tokens(visitor, at.provider, client);
    return (await verified(at.provider, token, client)).payload;
  };
  const notices = async (sid) => {
    const all = app.posts.map((post) => ({ ...post, token: post.fields.get('logout_token') }));
    return all.filter((post) => jose.decodeJwt(post.token).sid === sid);
  };
  const arrived = async (sid, count = 1) => {
    await until('the logout notices', async () => (await notices(sid)).length >= count, { timeout: 20_000 });
    return notices(sid);
  };
  const logOut = async (visitor) => {
    await visitor.visit(`${at.provider.issuer()}/logout`);
    await visitor.press('logout');
  };

  it('oidcc-backchannel-rp-initiated-logout: a signed logout token with sid, sub, events, jti and no nonce', async () => {
    const document = await metadata(at.provider);
    assert.equal(document.backchannel_logout_supported, true, 'oidcc-backchannel-logout-discovery-endpoint-verification');
    assert.equal(document.backchannel_logout_session_supported, true);
    const visitor = await signedIn(at.provider, graduate);
    const { id_token: hint } = await tokens(visitor, at.provider, told);
    const { payload: login } = await verified(at.provider, hint, told);
    const paired = await session(visitor, other);
    await session(visitor, silent);
    await visitor.send(`${document.end_session_endpoint}?id_token_hint=${hint}`);
    const posts = await arrived(login.sid, 2);
    assert.deepEqual(posts.map((post) => post.path).sort(), ['/first', '/third'], 'each app that asked to be told, once');
    const keys = jose.createLocalJWKSet((await request(document.jwks_uri)).json);
    for (const [client, sub] of [[told, login.sub], [other, paired.sub]]) {
      const post = posts.find((one) => one.path === new URL(client.backchannel_logout_uri).pathname);
      assert.match(post.type, /^application\/x-www-form-urlencoded/);
      const { payload, protectedHeader } = await jose.jwtVerify(post.token, keys, { issuer: document.issuer, audience: client.client_id, typ: 'logout+jwt' });
      assert.equal(protectedHeader.alg, 'RS256');
      assert.equal(payload.sub, sub, 'the subject that this client knows');
      assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
      assert.ok(payload.jti && payload.exp - payload.iat <= 120);
      assert.equal(payload.nonce, undefined);
    }
    // a logout token is nothing else (O19)
    const misused = await visitor.send(`${document.end_session_endpoint}?id_token_hint=${posts[0].token}&post_logout_redirect_uri=${told.post_logout_redirect_uris[0]}`);
    assert.ok(!(misused.location ?? '').startsWith(told.post_logout_redirect_uris[0]), 'a logout token is no id_token_hint');
  });

  it('ending other sessions, and a password changed, tell of those sessions alone', async () => {
    const [here, there] = [await signedIn(at.provider, otherGraduate), await signedIn(at.provider, otherGraduate)];
    const [mine, theirs] = [await session(here), await session(there)];
    assert.notEqual(mine.sid, theirs.sid);
    await here.visit(`${at.provider.issuer()}/account/sessions`);
    await here.press('end_others');
    await arrived(theirs.sid);
    assert.equal((await notices(mine.sid)).length, 0, 'this session goes on');
    await logOut(here);
    await arrived(mine.sid);
    assert.equal((await at.provider.database.rows('SELECT count(*) AS n FROM logout_notices'))[0].n, 0, 'nothing is left to tell');
  });

  it('an app that does not answer is told again with the same jti; what is over is forgotten', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { sid } = await session(visitor);
    let tries = 0;
    app.status = () => ((tries += 1) === 1 ? 503 : 204);
    await logOut(visitor);
    const posts = await arrived(sid, 2);
    app.status = () => 200;
    assert.equal(new Set(posts.map((post) => jose.decodeJwt(post.token).jti)).size, 1);
    await until('the queue to be empty', async () => Number((await at.provider.database.rows('SELECT count(*) AS n FROM logout_notices'))[0].n) === 0);
  });

  it('O12: where an app is told is https', async () => {
    for (const uri of ['http://127.0.0.1/x', 'http://app.example/x', 'https://user:pw@app.example/x', 'https://app.example/x#y']) {
      const file = await at.provider.file('bad.json', { ...told, client_id: 'bad', backchannel_logout_uri: uri });
      const { code, stderr } = await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', file]);
      assert.notEqual(code, 0, uri);
      assert.match(stderr, /backchannel_logout_uri/);
    }
  });
});
