// The token endpoint and userinfo: codes once, refresh tokens once, clients as registered.

import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import http from 'node:http';
import { it } from 'node:test';
import * as jose from 'jose';
import { formBody, request } from '../support/http.js';
import { graduate, otherGraduate } from '../support/people.js';
import {
  basic, callback, clients, code, metadata, pkce, random, redeem, refresh, signedIn, token, tokens, userinfo, verified,
} from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';

onEachDatabase('token endpoint', { accounts: everybody, clients: everyClient, tenants: ['certificate', 'residence'] }, (at) => {
  const person = async () => {
    at.visitor ??= await signedIn(at.provider, graduate);
    return at.visitor;
  };
  const codeFor = async (client = clients.first, changes) => code(await person(), at.provider, client, changes);
  const refused = (answer, error, status = 400) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.error, error, answer.text);
    assert.match(answer.headers['cache-control'], /no-store/);
    assert.match(answer.headers['content-type'], /^application\/json/);
    assert.equal(answer.json.access_token, undefined);
  };

  it('a code gives tokens with the right claims, hashes and lifetimes, and no caching', async () => {
    const granted = await codeFor();
    const answer = await redeem(at.provider, clients.first, granted);
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers['cache-control'], /no-store/);
    const { access_token: access, id_token: jwt, token_type: type, expires_in: life } = answer.json;
    assert.equal(type, 'Bearer');
    assert.ok(life > 0 && life <= 3_600);
    const { payload, protectedHeader } = await verified(at.provider, jwt, clients.first);
    assert.equal(protectedHeader.alg, 'RS256');
    assert.equal(payload.nonce, granted.parameters.nonce);
    assert.deepEqual([].concat(payload.aud), [clients.first.client_id]);
    assert.ok(payload.exp - payload.iat > 0);
    assert.ok(Math.abs(payload.iat - Date.now() / 1_000) < 60);
    assert.ok(payload.acr);
    const info = await userinfo(at.provider, access);
    assert.equal(info.status, 200);
    assert.equal(info.json.sub, payload.sub);
    assert.equal(info.json.email, graduate.email);
    assert.equal(info.json.family_name, 'Suzuki');
    assert.equal(info.json['family_name#ja-Hani-JP'], '鈴木');
    assert.equal(info.json['family_name#ja-Kana-JP'], 'スズキ');
  });

  it('userinfo gives what the scope allows and no more; student IDs only where asked for', async () => {
    const visitor = await person();
    const bare = await userinfo(at.provider, (await tokens(visitor, at.provider, clients.first, { scope: 'openid' })).access_token);
    assert.deepEqual(Object.keys(bare.json), ['sub']);
    const { scopes_supported: scopes } = await metadata(at.provider);
    const scope = scopes.find((one) => /student/.test(one));
    assert.ok(scope, scopes.join());
    const students = await userinfo(at.provider, (await tokens(visitor, at.provider, clients.first, { scope: `openid ${scope}` })).access_token);
    assert.deepEqual([...students.json.student_ids].sort(), [...graduate.student_ids].sort());
  });

  it('userinfo: POST works, a token in the query does not, none or a wrong one gets 401 with a challenge', async () => {
    const { access_token: access, id_token: jwt } = await tokens(await person(), at.provider, clients.first);
    const { userinfo_endpoint: endpoint } = await metadata(at.provider);
    assert.equal((await request(endpoint, { method: 'POST', headers: { authorization: `Bearer ${access}` } })).status, 200);
    assert.ok([400, 401].includes((await request(`${endpoint}?access_token=${access}`)).status));
    for (const wrong of [undefined, 'Bearer', 'Bearer x', `Bearer ${access.slice(0, -1)}`, `Bearer ${access}A`, `Bearer ${access} `.concat('x'), `Basic ${access}`, `Bearer ${jwt}`, `bearer2 ${access}`]) {
      const answer = await request(endpoint, { headers: wrong ? { authorization: wrong } : {} });
      assert.ok([400, 401].includes(answer.status), `${wrong}: ${answer.status}`);
      assert.match(answer.headers['www-authenticate'] ?? '', /Bearer/);
    }
    assert.equal((await userinfo(at.provider, access, 'residence')).status, 401, 'another tenant does not know it');
  });

  it('fifty parallel redemptions of one code: exactly one succeeds', async () => {
    const granted = await codeFor();
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(at.provider, clients.first, granted)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1, answers.map(({ status }) => status).join());
    for (const answer of answers.filter(({ status }) => status !== 200)) assert.ok([400, 503].includes(answer.status), answer.text);
  });

  it('a used code that comes again from its client ends the tokens that it gave', async () => {
    const granted = await codeFor();
    const first = (await redeem(at.provider, clients.first, granted)).json;
    assert.equal((await userinfo(at.provider, first.access_token)).status, 200);
    refused(await redeem(at.provider, clients.first, granted), 'invalid_grant');
    assert.equal((await userinfo(at.provider, first.access_token)).status, 401);
    refused(await refresh(at.provider, clients.first, first.refresh_token), 'invalid_grant');
  });

  it('a used code with a wrong verifier, or from another client, is refused and ends nothing', async () => {
    const granted = await codeFor();
    const first = (await redeem(at.provider, clients.first, granted)).json;
    refused(await redeem(at.provider, clients.first, { ...granted, verifier: pkce().verifier }), 'invalid_grant');
    refused(await redeem(at.provider, clients.third, granted), 'invalid_grant');
    assert.equal((await userinfo(at.provider, first.access_token)).status, 200);
  });

  it('another client’s valid credentials do not redeem a code, nor burn it', async () => {
    const granted = await codeFor();
    refused(await redeem(at.provider, clients.third, granted), 'invalid_grant');
    refused(await redeem(at.provider, clients.public, granted), 'invalid_grant');
    assert.equal((await redeem(at.provider, clients.first, granted)).status, 200);
  });

  for (const [what, changes] of Object.entries({
    'no verifier': { code_verifier: undefined },
    'a wrong verifier': { code_verifier: pkce().verifier },
    'a verifier of 42 characters': { code_verifier: 'a'.repeat(42) },
    'a verifier of 129 characters': { code_verifier: 'a'.repeat(129) },
    'a verifier that is not ASCII': { code_verifier: `${'a'.repeat(42)}é` },
    'another redirect_uri': { redirect_uri: `${callback}/` },
  })) {
    it(`${what} is refused and does not burn the code`, async () => {
      const granted = await codeFor();
      const answer = await redeem(at.provider, clients.first, granted, changes);
      assert.equal(answer.status, 400, answer.text);
      assert.ok(['invalid_grant', 'invalid_request'].includes(answer.json.error), answer.text);
      assert.equal((await redeem(at.provider, clients.first, granted)).status, 200, 'the right one still works');
    });
  }

  it('a code shortened, lengthened, of other case, unknown or of another tenant is refused', async () => {
    const granted = await codeFor();
    for (const wrong of [granted.code.slice(0, -1), `${granted.code}A`, granted.code.toLowerCase() === granted.code ? granted.code.toUpperCase() : granted.code.toLowerCase(), random(32), '', "' OR 1=1 --"]) {
      const answer = await redeem(at.provider, clients.first, { ...granted, code: wrong });
      assert.equal(answer.status, 400, wrong);
    }
    const foreign = await redeem(at.provider, clients.first, granted, {}, { tenant: 'residence' });
    refused(foreign, 'invalid_client', 401);
    assert.equal((await redeem(at.provider, clients.first, granted)).status, 200);
  });

  it('every parameter given twice is refused', async () => {
    const granted = await codeFor();
    const fields = Object.entries({ grant_type: 'authorization_code', code: granted.code, redirect_uri: granted.parameters.redirect_uri, code_verifier: granted.verifier });
    for (const [name, value] of fields) {
      for (const second of [value, 'other']) refused(await token(at.provider, clients.first, [...fields, [name, second]]), 'invalid_request');
    }
    assert.equal((await token(at.provider, clients.first, fields)).status, 200);
  });

  it('an unknown, missing or unregistered grant type, GET, JSON and a query are refused', async () => {
    refused(await token(at.provider, clients.first, { grant_type: 'password', username: graduate.email, password: graduate.password }), 'unsupported_grant_type');
    refused(await token(at.provider, clients.first, { grant_type: 'client_credentials' }), 'unsupported_grant_type');
    refused(await token(at.provider, clients.first, {}), 'invalid_request');
    const { token_endpoint: endpoint } = await metadata(at.provider);
    assert.equal((await request(endpoint)).status, 405);
    const granted = await codeFor();
    const fields = { grant_type: 'authorization_code', code: granted.code, redirect_uri: callback, code_verifier: granted.verifier };
    const json = await request(endpoint, { method: 'POST', headers: { 'content-type': 'application/json', ...basic(clients.first) }, body: JSON.stringify(fields) });
    assert.ok([400, 415].includes(json.status));
    const query = await request(`${endpoint}?${formBody(fields)}`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic(clients.first) }, body: '' });
    assert.equal(query.status, 400);
    assert.equal((await redeem(at.provider, clients.first, granted)).status, 200);
  });

  it('a client authenticates in exactly its registered way', async () => {
    const { first, third } = clients;
    const granted = await codeFor();
    const attempts = {
      'no secret': [{}, { as: 'none' }],
      'a wrong secret': [{}, { as: 'x', headers: basic({ ...first, client_secret: 'wrong' }) }],
      'an empty secret': [{}, { as: 'x', headers: basic({ ...first, client_secret: '' }) }],
      'a secret with more at its end': [{}, { as: 'x', headers: basic({ ...first, client_secret: `${first.client_secret}x` }) }],
      'the body instead of Basic': [{}, { as: 'client_secret_post' }],
      'Basic and body': [{ client_id: first.client_id, client_secret: first.client_secret }, { as: 'client_secret_basic' }],
      'another client_id in the body': [{ client_id: third.client_id }, { as: 'client_secret_basic' }],
      'an unknown client': [{}, { as: 'x', headers: basic({ client_id: 'nobody', client_secret: 'x' }) }],
      'Basic that is no base64': [{}, { as: 'x', headers: { authorization: 'Basic %%%' } }],
      'Basic without a colon': [{}, { as: 'x', headers: { authorization: `Basic ${Buffer.from('first-app').toString('base64')}` } }],
      'a Bearer instead': [{}, { as: 'x', headers: { authorization: `Bearer ${first.client_secret}` } }],
    };
    for (const [what, [changes, options]] of Object.entries(attempts)) {
      const answer = await redeem(at.provider, first, granted, changes, options);
      assert.ok([400, 401].includes(answer.status), `${what}: ${answer.status}`);
      assert.ok(['invalid_client', 'invalid_request', 'invalid_grant'].includes(answer.json.error), `${what}: ${answer.text}`);
      if (answer.status === 401 && options.headers?.authorization) assert.match(answer.headers['www-authenticate'] ?? '', /Basic/, what);
    }
    assert.equal((await redeem(at.provider, first, granted)).status, 200, 'none of this burned the code');
    const posted = await codeFor(third);
    assert.equal((await redeem(at.provider, third, posted, {}, { as: 'client_secret_basic' })).status >= 400, true, 'Basic for a client registered with the body');
    assert.equal((await redeem(at.provider, third, posted)).status, 200);
    const open = await codeFor(clients.public);
    assert.ok((await redeem(at.provider, clients.public, open, { client_secret: 'x' })).status >= 400, 'a secret for a client without one');
    assert.equal((await redeem(at.provider, clients.public, open)).status, 200);
  });

  it('Basic credentials are form-decoded as RFC 6749 says', async () => {
    const odd = { ...clients.first, client_id: 'odd:app %', client_secret: 'sécret: +&%2B/ 0123456789' };
    const file = await at.provider.file('odd.json', odd);
    const made = await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', file]);
    if (made.code !== 0) {
      // refusing such an identifier is an answer too; the secret's letters are what this is about
      odd.client_id = 'odd-app';
      await at.provider.registerClient(odd);
    }
    const granted = await codeFor(odd);
    assert.equal((await redeem(at.provider, odd, granted)).status, 200);
  });

  it('a refresh token works once; the spent one ends the whole family', async () => {
    const first = await tokens(await person(), at.provider, clients.first);
    const second = await refresh(at.provider, clients.first, first.refresh_token);
    assert.equal(second.status, 200, second.text);
    assert.notEqual(second.json.refresh_token, first.refresh_token);
    const { payload: old } = await verified(at.provider, first.id_token, clients.first);
    if (second.json.id_token) {
      const { payload } = await verified(at.provider, second.json.id_token, clients.first);
      assert.equal(payload.sub, old.sub);
      assert.equal(payload.auth_time, old.auth_time);
    }
    const third = await refresh(at.provider, clients.first, second.json.refresh_token);
    assert.equal(third.status, 200);
    refused(await refresh(at.provider, clients.first, first.refresh_token), 'invalid_grant');
    refused(await refresh(at.provider, clients.first, third.json.refresh_token), 'invalid_grant');
    assert.equal((await userinfo(at.provider, third.json.access_token)).status, 401);
  });

  it('twenty parallel refreshes leave at most one live refresh token', async () => {
    const { refresh_token: value } = await tokens(await person(), at.provider, clients.first);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(at.provider, clients.first, value)));
    const good = answers.filter(({ status }) => status === 200);
    assert.ok(good.length <= 1, `${good.length} succeeded`);
    let live = 0;
    for (const { json } of good) if ((await refresh(at.provider, clients.first, json.refresh_token)).status === 200) live += 1;
    assert.ok(live <= 1);
  });

  it('a refresh token of another client, tenant or shape is refused and lives on', async () => {
    const { refresh_token: value, access_token: access } = await tokens(await person(), at.provider, clients.first);
    refused(await refresh(at.provider, clients.third, value), 'invalid_grant');
    refused(await refresh(at.provider, clients.public, value), 'invalid_grant');
    for (const wrong of [value.slice(1), `${value}x`, access, '', random(32)]) assert.equal((await refresh(at.provider, clients.first, wrong)).status, 400);
    assert.equal((await refresh(at.provider, clients.first, value)).status, 200);
  });

  it('a refresh may narrow the scope, never widen it', async () => {
    const { refresh_token: value } = await tokens(await person(), at.provider, clients.first, { scope: 'openid email offline_access' });
    refused(await refresh(at.provider, clients.first, value, { scope: 'openid email profile' }), 'invalid_scope');
    const narrowed = await refresh(at.provider, clients.first, value, { scope: 'openid' });
    assert.equal(narrowed.status, 200, narrowed.text);
    assert.deepEqual(Object.keys((await userinfo(at.provider, narrowed.json.access_token)).json), ['sub']);
  });

  it('a client that is not registered for refresh tokens gets none', async () => {
    const plain = { ...clients.first, client_id: 'plain-app', grant_types: ['authorization_code'] };
    await at.provider.registerClient(plain);
    assert.equal((await tokens(await person(), at.provider, plain)).refresh_token, undefined);
  });

  it('a request without openid is plain OAuth: no ID token', async () => {
    const { id_token: jwt, access_token: access } = await tokens(await person(), at.provider, clients.first, { scope: 'profile' });
    assert.equal(jwt, undefined);
    assert.ok(access);
  });

  it('id tokens are signed as registered: ES256, PS256, EdDSA, RS256', async () => {
    for (const alg of ['ES256', 'PS256', 'EdDSA', 'RS256']) {
      const client = { ...clients.first, client_id: `app-${alg.toLowerCase()}`, id_token_signed_response_alg: alg };
      await at.provider.registerClient(client);
      const { id_token: jwt } = await tokens(await person(), at.provider, client);
      const { protectedHeader } = await verified(at.provider, jwt, client);
      assert.equal(protectedHeader.alg, alg);
      assert.ok(protectedHeader.kid);
    }
  });

  it('private_key_jwt: a good assertion once; replay, wrong audience, long life, future, other keys and algorithms are refused, no URL is fetched', async () => {
    let fetched = 0;
    const listener = http.createServer((incoming, answer) => {
      fetched += 1;
      answer.end('{"keys":[]}');
    });
    await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${listener.address().port}/keys`;
    try {
      const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true });
      const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
      const client = { ...clients.first, client_id: 'jwt-app', client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } };
      await at.provider.registerClient(client);
      const issuer = at.provider.issuer();
      const { token_endpoint: endpoint } = await metadata(at.provider);
      const now = () => Math.floor(Date.now() / 1_000);
      const assertion = async (claims = {}, { key = privateKey, header = {}, alg = 'ES256' } = {}) => {
        const payload = { iss: client.client_id, sub: client.client_id, aud: issuer, jti: random(), iat: now(), exp: now() + 60, ...claims };
        for (const [name, value] of Object.entries(payload)) if (value === undefined) delete payload[name];
        return new jose.SignJWT(payload).setProtectedHeader({ alg, kid: 'k1', ...header }).sign(key);
      };
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      const granted = await codeFor(client);
      const attempt = (value, changes = {}) => redeem(at.provider, client, granted, { client_assertion_type: type, client_assertion: value, client_id: client.client_id, ...changes }, { as: 'x' });
      const stranger = await jose.generateKeyPair('ES256', { extractable: true });
      const strangersKey = await jose.exportJWK(stranger.publicKey);
      const pem = createPublicKey({ key: await jose.exportJWK(publicKey), format: 'jwk' });
      const forge = (key) => {
        const head = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'k1' })).toString('base64url');
        const body = Buffer.from(JSON.stringify({ iss: client.client_id, sub: client.client_id, aud: issuer, jti: random(), iat: now(), exp: now() + 60 })).toString('base64url');
        return `${head}.${body}.${createHmac('sha256', key).update(`${head}.${body}`).digest('base64url')}`;
      };
      const none = (alg) => `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${Buffer.from(JSON.stringify({ iss: client.client_id, sub: client.client_id, aud: issuer, jti: random(), exp: now() + 60 })).toString('base64url')}.`;
      const good = await assertion();
      const bad = {
        'another audience': await assertion({ aud: 'https://evil.example' }),
        'another tenant': await assertion({ aud: at.provider.issuer('residence') }),
        'no audience': await assertion({ aud: undefined }),
        'expired': await assertion({ iat: now() - 400, exp: now() - 120 }),
        'a life of an hour': await assertion({ exp: now() + 3_600 }),
        'issued in the future': await assertion({ iat: now() + 600, exp: now() + 660 }),
        'not yet valid': await assertion({ nbf: now() + 600 }),
        'no jti': await assertion({ jti: undefined }),
        'no expiry': await assertion({ exp: undefined }),
        'another issuer': await assertion({ iss: 'first-app' }),
        'another subject': await assertion({ sub: 'first-app' }),
        'a stranger’s key': await assertion({}, { key: stranger.privateKey }),
        'a key in the header': await assertion({}, { key: stranger.privateKey, header: { jwk: strangersKey } }),
        'a key by jku': await assertion({}, { key: stranger.privateKey, header: { jku: url } }),
        'a key by x5u': await assertion({}, { key: stranger.privateKey, header: { x5u: url } }),
        'kid that climbs': await assertion({}, { key: stranger.privateKey, header: { kid: '../../../../dev/null' } }),
        'kid with SQL': await assertion({}, { key: stranger.privateKey, header: { kid: "' OR 1=1 --" } }),
        'HS256 with the public PEM': forge(pem.export({ type: 'spki', format: 'pem' })),
        'HS256 with the public DER': forge(pem.export({ type: 'spki', format: 'der' })),
        'HS256 with the public JWK': forge(JSON.stringify(jwk)),
        'HS256 with nothing': forge(''),
        'alg none': none('none'),
        'alg NoNe': none('NoNe'),
        'no signature': good.replace(/[^.]*$/, ''),
        'nonsense': 'a.b.c',
      };
      for (const [what, value] of Object.entries(bad)) {
        const answer = await attempt(value);
        assert.ok([400, 401].includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
        assert.ok(['invalid_client', 'invalid_request'].includes(answer.json.error), `${what}: ${answer.text}`);
      }
      refused(await attempt(good, { client_secret: 'x' }), 'invalid_request');
      const answer = await attempt(good);
      assert.equal(answer.status, 200, answer.text);
      const again = await codeFor(client);
      const replay = await redeem(at.provider, client, again, { client_assertion_type: type, client_assertion: good, client_id: client.client_id }, { as: 'x' });
      assert.equal(replay.json.error, 'invalid_client', 'jti once');
      const toEndpoint = await redeem(at.provider, client, again, { client_assertion_type: type, client_assertion: await assertion({ aud: endpoint }), client_id: client.client_id }, { as: 'x' });
      assert.ok([200, 401].includes(toEndpoint.status), 'the endpoint as audience is a documented choice');
      assert.equal(fetched, 0, 'no URL of a header was fetched');
    } finally {
      listener.close();
    }
  });

  it('forged id_token_hints are refused at authorization and logout', async () => {
    const { id_token: jwt } = await tokens(await person(), at.provider, clients.first);
    const payload = jose.decodeJwt(jwt);
    const { kid } = jose.decodeProtectedHeader(jwt);
    const { jwks_uri: uri, end_session_endpoint: logout } = await metadata(at.provider);
    const jwk = (await request(uri)).json.keys.find((key) => key.kid === kid);
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const hs = `${encode({ alg: 'HS256', kid })}.${encode(payload)}`;
    const forged = {
      none: `${encode({ alg: 'none' })}.${encode(payload)}.`,
      'HS256 by PEM': `${hs}.${createHmac('sha256', pem).update(hs).digest('base64url')}`,
      'another subject under the old signature': `${jwt.split('.')[0]}.${encode({ ...payload, sub: 'x' })}.${jwt.split('.')[2]}`,
      'no signature': `${jwt.split('.').slice(0, 2).join('.')}.`,
    };
    for (const [what, hint] of Object.entries(forged)) {
      const answer = await request(`${logout}?${formBody({ id_token_hint: hint, post_logout_redirect_uri: clients.first.post_logout_redirect_uris[0] })}`);
      assert.ok(!(answer.location ?? '').startsWith(clients.first.post_logout_redirect_uris[0]), what);
    }
  });

  it('two people’s tokens are not mixed up by one client', async () => {
    const other = await signedIn(at.provider, otherGraduate);
    const [a, b] = [await tokens(await person(), at.provider, clients.first), await tokens(other, at.provider, clients.first)];
    assert.equal((await userinfo(at.provider, a.access_token)).json.email, graduate.email);
    assert.equal((await userinfo(at.provider, b.access_token)).json.email, otherGraduate.email);
  });

  it('tokens and codes are kept as hashes', async () => {
    const got = await tokens(await person(), at.provider, clients.first);
    const dump = JSON.stringify([await at.provider.database.rows('SELECT * FROM tokens'), await at.provider.database.rows('SELECT * FROM grants')]);
    for (const secret of [got.access_token, got.refresh_token, got.granted.code]) assert.ok(!dump.includes(secret));
    for (const secret of [got.access_token, got.refresh_token, got.granted.code, clients.first.client_secret]) assert.ok(!at.provider.log.includes(secret));
  });
});
