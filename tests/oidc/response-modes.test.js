// How an authorization response travels and what it carries: response modes, signed responses (JARM), and the implicit and
// hybrid response types where a tenant allows them. Titles name the modules of the OpenID Foundation's suite that ask the same.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import * as jose from 'jose';
import { graduate } from '../support/people.js';
import {
  authorization, authorize, callback, clients, metadata, push, redeem, responseOf, signedIn, signInAt, userinfo, verified,
} from '../support/protocol.js';
import { onEachDatabase, people } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const frontChannel = ['id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];
const everything = {
  ...clients.first, client_id: 'every-type', client_secret: 'every-type-secret-3hJ8', grant_types: ['authorization_code', 'refresh_token', 'implicit'],
  response_types: ['code', ...frontChannel],
};
const codeOnly = { ...clients.first, client_id: 'code-type', grant_types: ['authorization_code', 'implicit'], response_types: ['code'] };
const withoutGrant = { ...everything, client_id: 'no-grant', grant_types: ['authorization_code'] };
const signedBy = (alg) => ({ ...everything, client_id: `signed-${alg.toLowerCase()}`, authorization_signed_response_alg: alg });

async function allow(files, slug) {
  if (slug !== 'certificate') return;
  const text = await files.read('tenant.toml');
  await files.write('tenant.toml', /^\[tokens\]$/m.test(text) ? text.replace(/^\[tokens\]$/m, '[tokens]\nimplicit_and_hybrid = true') : `${text}\n[tokens]\nimplicit_and_hybrid = true\n`);
}

const half = (text) => createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
/** Parameters in the fragment of a redirect. */
const inFragment = (answer) => {
  assert.equal(answer.status, 303, answer.text.slice(0, 300));
  const url = new URL(answer.location);
  assert.equal(url.search, '');
  return new URLSearchParams(url.hash.slice(1));
};

onEachDatabase('response types and modes', {
  accounts: people, clients: [clients.first, clients.third, everything, codeOnly, ...['RS256', 'PS256', 'ES256', 'EdDSA'].map(signedBy)], tenants: ['certificate', 'residence'], edit: allow,
}, (at) => {
  const person = async () => {
    at.visitor ??= await signedIn(at.provider, graduate);
    return at.visitor;
  };
  const ask = async (changes, client = everything, visitor) => {
    const { parameters, verifier } = authorization(client, changes);
    return { answer: await authorize(visitor ?? await person(), at.provider, parameters), parameters, verifier };
  };

  it('discovery tells what the tenant allows and no more (oidcc-discovery-endpoint-verification)', async () => {
    const document = await metadata(at.provider);
    assert.deepEqual(new Set(document.response_types_supported), new Set(['code', ...frontChannel]));
    assert.ok(document.grant_types_supported.includes('implicit'));
    assert.deepEqual(new Set(document.response_modes_supported), new Set(['query', 'fragment', 'form_post', 'jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']));
    assert.deepEqual(new Set(document.authorization_signing_alg_values_supported), new Set(['RS256', 'PS256', 'ES256', 'EdDSA']));
    const other = await metadata(at.provider, 'residence');
    assert.deepEqual(other.response_types_supported, ['code']);
    assert.ok(!other.grant_types_supported.includes('implicit'));
  });

  for (const type of frontChannel) {
    const words = type.split(' ');
    it(`${type}: tokens in the fragment with their hashes; what the code gives is the same (oidcc-server)`, async () => {
      const { answer, parameters, verifier } = await ask({ response_type: words.toReversed().join(' ') });
      const response = inFragment(answer);
      assert.ok(answer.location.startsWith(`${callback}#`));
      assert.equal(response.get('state'), parameters.state);
      assert.equal(response.get('iss'), at.provider.issuer());
      assert.equal(response.get('refresh_token'), null);
      assert.equal(response.has('code'), words.includes('code'));
      assert.equal(response.has('access_token'), words.includes('token'));
      assert.equal(response.has('id_token'), words.includes('id_token'));
      let sub;
      if (words.includes('id_token')) {
        const { payload } = await verified(at.provider, response.get('id_token'), everything);
        sub = payload.sub;
        assert.equal(payload.nonce, parameters.nonce);
        assert.equal(payload.c_hash, words.includes('code') ? half(response.get('code')) : undefined);
        assert.equal(payload.at_hash, words.includes('token') ? half(response.get('access_token')) : undefined);
        const alone = type === 'id_token';
        assert.equal(payload.email, alone ? graduate.email : undefined, 'claims of the scopes only where userinfo cannot be asked');
        assert.equal(payload.family_name, alone ? 'Suzuki' : undefined);
      }
      if (words.includes('token')) {
        assert.equal(response.get('token_type'), 'Bearer');
        assert.ok(Number(response.get('expires_in')) > 0);
        const info = await userinfo(at.provider, response.get('access_token'));
        assert.equal(info.json.email, graduate.email);
        sub ??= info.json.sub;
        assert.equal(info.json.sub, sub);
      }
      if (words.includes('code')) {
        const granted = { code: response.get('code'), verifier, parameters };
        const got = await redeem(at.provider, everything, granted);
        assert.equal(got.status, 200, got.text);
        assert.equal((await verified(at.provider, got.json.id_token, everything)).payload.sub, sub);
        assert.equal((await redeem(at.provider, everything, granted)).json.error, 'invalid_grant');
        if (words.includes('token')) assert.equal((await userinfo(at.provider, response.get('access_token'))).status, 401, 'a code that comes twice ends everything (oidcc-codereuse)');
      }
    });

    it(`${type}: not in a query; form_post and fragment.jwt carry it too`, async () => {
      for (const mode of ['query', 'query.jwt']) {
        const { answer } = await ask({ response_type: type, response_mode: mode });
        const response = inFragment(answer);
        if (mode === 'query') assert.equal(response.get('error'), 'invalid_request');
        else assert.equal(jose.decodeJwt(response.get('response')).error, 'invalid_request');
      }
      const { answer: form } = await ask({ response_type: type, response_mode: 'form_post' });
      assert.equal(form.status, 200);
      for (const name of [...type.split(' ').map((word) => (word === 'token' ? 'access_token' : word)), 'state', 'iss']) assert.match(form.text, new RegExp(`name="${name}"`));
      const signed = inFragment((await ask({ response_type: type, response_mode: 'jwt' })).answer);
      assert.deepEqual([...signed.keys()], ['response']);
      const { payload } = await verified(at.provider, signed.get('response'), everything);
      for (const word of type.split(' ')) assert.ok(payload[word === 'token' ? 'access_token' : word], word);
    });
  }

  it('errors of these types travel in the fragment', async () => {
    const { answer, parameters } = await ask({ response_type: 'id_token', prompt: 'none' }, everything, new Visitor());
    const response = inFragment(answer);
    assert.equal(response.get('error'), 'login_required');
    assert.equal(response.get('state'), parameters.state);
    assert.equal(response.get('iss'), at.provider.issuer());
  });

  it('an ID token from here needs a nonce and the scope openid (oidcc-ensure-request-without-nonce-fails)', async () => {
    for (const type of frontChannel.filter((one) => one.includes('id_token'))) {
      assert.equal(inFragment((await ask({ response_type: type, nonce: undefined })).answer).get('error'), 'invalid_request', type);
      assert.equal(inFragment((await ask({ response_type: type, scope: 'profile' })).answer).get('error'), 'invalid_scope', type);
    }
    for (const type of ['code', 'code token']) {
      const { answer } = await ask({ response_type: type, nonce: undefined, response_mode: 'fragment' });
      assert.ok(inFragment(answer).get('code'), 'oidcc-ensure-request-without-nonce-succeeds-for-code-flow');
    }
  });

  it('PKCE guards the code of a hybrid response too (O5)', async () => {
    const without = { code_challenge: undefined, code_challenge_method: undefined };
    assert.equal(inFragment((await ask({ response_type: 'code id_token', ...without })).answer).get('error'), 'invalid_request');
    assert.ok(inFragment((await ask({ response_type: 'id_token', ...without })).answer).get('id_token'), 'without a code there is nothing to guard');
  });

  it('only what is registered: another type is unauthorized_client; a tenant that does not allow them knows them not', async () => {
    await at.provider.registerClient(everything, 'residence');
    for (const type of frontChannel) {
      assert.equal(inFragment((await ask({ response_type: type }, codeOnly)).answer).get('error'), 'unauthorized_client');
      const { parameters } = authorization(everything, { response_type: type });
      const answer = await authorize(new Visitor(), at.provider, parameters, { tenant: 'residence' });
      assert.equal(inFragment(answer).get('error'), 'unsupported_response_type', type);
    }
    for (const type of ['token', 'none', 'code code', 'nonsense']) {
      assert.equal(responseOf((await ask({ response_type: type })).answer).get('error'), 'unsupported_response_type', `${type} (ensure-response-type-token-fails)`);
    }
    assert.equal(responseOf((await ask({ response_type: undefined })).answer).get('error'), 'invalid_request', 'oidcc-response-type-missing');
    const file = await at.provider.file('no-grant.json', withoutGrant);
    const made = await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', file]);
    assert.notEqual(made.code, 0, 'the types need the grant type implicit');
    assert.match(made.stderr, /implicit/);
  });

  it('a response that waited for the login, or was pushed, carries its tokens once', async () => {
    const visitor = new Visitor();
    const { parameters } = authorization(everything, { response_type: 'id_token token' });
    const response = inFragment(await signInAt(visitor, at.provider, await authorize(visitor, at.provider, parameters), graduate));
    assert.equal(response.get('state'), parameters.state);
    assert.ok(response.get('id_token'));
    const pushed = await push(at.provider, everything, parameters);
    const named = { client_id: everything.client_id, request_uri: pushed.json.request_uri };
    assert.ok(inFragment(await authorize(visitor, at.provider, named)).get('id_token'));
    assert.equal((await authorize(visitor, at.provider, named)).status, 400);
  });

  it('a code may travel in the fragment', async () => {
    const { answer, parameters, verifier } = await ask({ response_mode: 'fragment' }, clients.first);
    const response = inFragment(answer);
    assert.equal(response.get('iss'), at.provider.issuer());
    assert.equal((await redeem(at.provider, clients.first, { code: response.get('code'), verifier, parameters })).status, 200);
  });

  it('signed responses: query.jwt, fragment.jwt, form_post.jwt and jwt carry everything in one JWT for this client (JARM)', async () => {
    for (const mode of ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']) {
      const { answer, parameters, verifier } = await ask({ response_mode: mode }, clients.first);
      let jwt;
      if (mode === 'form_post.jwt') {
        assert.equal(answer.status, 200);
        assert.match(answer.text, new RegExp(`action="${callback}"`));
        assert.doesNotMatch(answer.text, /name="(code|state|iss)"/);
        [, jwt] = /name="response" value="([^"]+)"/.exec(answer.text);
      } else {
        const response = mode === 'fragment.jwt' ? inFragment(answer) : responseOf(answer);
        assert.deepEqual([...response.keys()], ['response'], mode);
        jwt = response.get('response');
      }
      const { payload, protectedHeader } = await verified(at.provider, jwt, clients.first);
      assert.equal(protectedHeader.alg, 'RS256');
      assert.equal(payload.state, parameters.state);
      assert.equal(payload.aud, clients.first.client_id);
      assert.ok(payload.exp > Date.now() / 1_000 && payload.exp <= Date.now() / 1_000 + 601);
      const got = await redeem(at.provider, clients.first, { code: payload.code, verifier, parameters });
      assert.equal(got.status, 200, got.text);
    }
  });

  it('signed errors, also of a stranger and of a person who says no', async () => {
    const check = async (answer, error, parameters, client) => {
      assert.ok(answer.location.startsWith(`${callback}?response=`), answer.location);
      const { payload } = await verified(at.provider, responseOf(answer).get('response'), client);
      assert.equal(payload.error, error);
      assert.equal(payload.state, parameters.state);
      assert.equal(payload.code, undefined);
    };
    const none = await ask({ response_mode: 'jwt', prompt: 'none' }, clients.first, new Visitor());
    await check(none.answer, 'login_required', none.parameters, clients.first);
    const bad = await ask({ response_mode: 'jwt', scope: 'nothing' }, clients.first);
    await check(bad.answer, 'invalid_scope', bad.parameters, clients.first);
    const visitor = await signedIn(at.provider, graduate);
    const denied = await ask({ response_mode: 'jwt', prompt: 'consent' }, clients.third, visitor);
    visitor.show(denied.answer.location ? await visitor.send(denied.answer.location) : denied.answer);
    const sent = visitor.submission('deny');
    await check(await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } }), 'access_denied', denied.parameters, clients.third);
  });

  it('signed as registered, by published keys', async () => {
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
      const client = signedBy(alg);
      const { answer } = await ask({ response_mode: 'jwt' }, client);
      const { protectedHeader } = await verified(at.provider, responseOf(answer).get('response'), client);
      assert.equal(protectedHeader.alg, alg);
    }
  });

  it('a signed response or a token of this kind is no id_token_hint and opens nothing', async () => {
    const signed = responseOf((await ask({ response_mode: 'jwt' }, clients.first)).answer).get('response');
    const hinted = await ask({ id_token_hint: signed, prompt: 'none' }, clients.first);
    assert.equal(responseOf(hinted.answer).get('code'), null);
    assert.equal((await userinfo(at.provider, signed)).status, 401);
  });
});
