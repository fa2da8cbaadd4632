// The authorization endpoint: what leads to a code, what to an error for the app, what to a page that leads nowhere.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formBody, request } from '../support/http.js';
import { expectPage, logIn } from '../support/journey.js';
import { graduate, otherGraduate } from '../support/people.js';
import {
  authorization, authorize, callback, clients, code, metadata, pkce, redeem, responseOf, signedIn, tokens, verified,
} from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

/** Ways to write an address that is not the registered one. */
const mutations = [
  `${callback}/`, `${callback}?x=1`, `${callback}?`, `${callback}#`, `${callback}#x`, `${callback}/../callback`, 'http://127.0.0.1:7171/./callback',
  'http://127.0.0.1:7171//callback', 'http://127.0.0.1:7171/x/../callback', 'http://127.0.0.1:7171/%63allback', 'http://127.0.0.1:7171/callback%00', 'http://127.0.0.1:7171/callback%2f',
  'http://127.0.0.1:7171/Callback', 'HTTP://127.0.0.1:7171/callback', 'https://127.0.0.1:7171/callback', 'http://127.0.0.1:7172/callback', 'http://127.0.0.1/callback',
  'http://localhost:7171/callback', 'http://[::1]:7171/callback', 'http://127.1:7171/callback', 'http://0x7f000001:7171/callback', 'http://127.0.0.1.:7171/callback',
  'http://user@127.0.0.1:7171/callback', 'http://127.0.0.1:7171@evil.example/callback', 'http://evil.example\\@127.0.0.1:7171/callback', 'http://127.0.0.1:7171\\@evil.example/callback',
  'http://127.0.0.1:7171/callback\t', 'http://127.0.0.1:7171/\tcallback', 'http://127.0.0.1:7171/callback\n', ' http://127.0.0.1:7171/callback', 'http://127.0.0.1:7171/callback ',
  '//127.0.0.1:7171/callback', '/callback', 'javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', 'http://evil.example/callback', 'http://xn--127-0-0-1.example/callback', '', '"><script>alert(1)</script>',
];

onEachDatabase('authorization endpoint', { accounts: everybody, clients: everyClient, tenants: ['certificate', 'residence'] }, (at) => {
  const send = async (changes, client = clients.first, visitor) => authorize(visitor ?? at.visitor, at.provider, authorization(client, changes).parameters);
  const page = (answer, expected) => {
    assert.equal(answer.status, 400, `${answer.status} ${answer.location ?? answer.text.slice(0, 200)}`);
    assert.equal(answer.headers.location, undefined, 'no redirect');
    assert.match(answer.text, /id="error"/);
    const [, shown] = /data-error-code="([^"]+)"/.exec(answer.text) ?? [];
    if (expected) assert.equal(shown, expected);
    else assert.ok(shown);
  };
  const errorFor = (answer, expected, parameters) => {
    const response = responseOf(answer);
    assert.ok(answer.location.startsWith(callback), answer.location);
    assert.equal(response.get('error'), expected, response.toString());
    assert.equal(response.get('iss'), at.provider.issuer());
    assert.equal(response.get('code'), null);
    if (parameters) assert.equal(response.get('state'), parameters.state);
    return response;
  };

  it('discovery lists exactly what is true', async () => {
    const document = await metadata(at.provider);
    assert.equal(document.issuer, at.provider.issuer());
    assert.deepEqual(document.response_types_supported, ['code']);
    assert.deepEqual(document.code_challenge_methods_supported, ['S256']);
    assert.equal(document.authorization_response_iss_parameter_supported, true);
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) assert.ok(document.id_token_signing_alg_values_supported.includes(alg), alg);
    for (const method of ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']) assert.ok(document.token_endpoint_auth_methods_supported.includes(method), method);
    assert.ok(!document.id_token_signing_alg_values_supported.includes('none'));
    assert.ok(!(document.token_endpoint_auth_signing_alg_values_supported ?? []).some((alg) => alg === 'none' || alg.startsWith('HS')));
    assert.deepEqual(new Set(document.grant_types_supported), new Set(['authorization_code', 'refresh_token']));
    assert.deepEqual(new Set(document.subject_types_supported), new Set(['public', 'pairwise']));
    for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri', 'end_session_endpoint']) assert.ok(document[name].startsWith(at.provider.issuer()), name);
    const other = await request(`${at.provider.origin}/.well-known/oauth-authorization-server/t/certificate`);
    assert.equal(other.json.issuer, document.issuer);
    assert.deepEqual(other.json, document);
    assert.deepEqual((await request(`${at.provider.issuer()}/.well-known/oauth-authorization-server`)).json, document);
    assert.notEqual((await metadata(at.provider, 'residence')).issuer, document.issuer);
  });

  it('discovery and keys may be fetched by any origin without credentials, cached a while; other endpoints not', async () => {
    const document = await metadata(at.provider);
    for (const url of [`${at.provider.issuer()}/.well-known/openid-configuration`, document.jwks_uri]) {
      const answer = await request(url, { headers: { origin: 'https://spa.example' } });
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      assert.equal(answer.headers['access-control-allow-credentials'], undefined);
      assert.match(answer.headers['cache-control'], /max-age=\d+/);
      assert.match(answer.headers['content-type'], /^application\/(json|jwk-set\+json)/);
    }
    const page = await request(document.authorization_endpoint, { headers: { origin: 'https://spa.example' } });
    assert.equal(page.headers['access-control-allow-origin'], undefined);
  });

  it('published keys are public, one for each algorithm at least, with kid, alg and use', async () => {
    const { jwks_uri: uri } = await metadata(at.provider);
    const { keys } = (await request(uri)).json;
    assert.ok(['RS256', 'PS256', 'ES256', 'EdDSA'].every((alg) => keys.some((key) => key.alg === alg)), keys.map(({ alg }) => alg).join());
    assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length);
    for (const key of keys) {
      assert.equal(key.use, 'sig');
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(key[secret], undefined);
      if (key.kty === 'RSA') assert.ok(Buffer.from(key.n, 'base64url').length >= 256);
    }
  });

  it('a signed-in person gets a code at a first-party app at once, with state and iss, by 303', async () => {
    at.visitor = await signedIn(at.provider, graduate);
    const { parameters } = authorization(clients.first);
    const answer = await authorize(at.visitor, at.provider, parameters);
    assert.equal(answer.status, 303);
    const response = responseOf(answer);
    assert.ok(answer.location.startsWith(`${callback}?`));
    assert.equal(response.get('state'), parameters.state);
    assert.equal(response.get('iss'), at.provider.issuer());
    assert.match(response.get('code'), /^[A-Za-z0-9_-]{43}$/);
    assert.match(answer.headers['cache-control'], /no-store/);
  });

  it('POST does the same as GET', async () => {
    const { parameters } = authorization(clients.first);
    const answer = await authorize(at.visitor, at.provider, parameters, { method: 'POST' });
    assert.ok(responseOf(answer).get('code'));
  });

  it('form_post answers with a form to the app, with iss, and a script of our own at most', async () => {
    const { parameters } = authorization(clients.first, { response_mode: 'form_post' });
    const answer = await authorize(at.visitor, at.provider, parameters);
    assert.equal(answer.status, 200);
    assert.match(answer.text, new RegExp(`action="${callback}"`));
    for (const name of ['code', 'state', 'iss']) assert.match(answer.text, new RegExp(`name="${name}"`));
    assert.match(answer.headers['content-security-policy'], /form-action[^;]*127\.0\.0\.1:7171/);
    assert.doesNotMatch(answer.headers['content-security-policy'], /unsafe-inline/);
  });

  for (const wrong of mutations) {
    it(`redirect_uri ${JSON.stringify(wrong)} is refused with a page, never followed or echoed as markup`, async () => {
      for (const visitor of [at.visitor, new Visitor()]) {
        const answer = await send({ redirect_uri: wrong }, clients.first, visitor);
        page(answer);
        assert.doesNotMatch(answer.text, /<script>alert|href="javascript:/);
      }
    });
  }

  it('a native app may use any port of the loopback address it registered, and nothing else of it may differ', async () => {
    for (const port of ['', ':1', ':54321']) assert.ok(responseOf(await send({ redirect_uri: `http://127.0.0.1${port}/callback` }, clients.public)).get('code'));
    for (const wrong of ['http://localhost:54321/callback', 'http://127.0.0.1:54321/callback/', 'https://127.0.0.1/callback', 'http://127.0.0.2/callback', 'http://[::1]/callback', 'http://127.0.0.1:99999/callback', 'http://127.0.0.1:/callback', 'http://127.0.0.1:0080/callback', 'http://127.0.0.1:80@evil.example/callback']) {
      page(await send({ redirect_uri: wrong }, clients.public));
    }
  });

  for (const [what, changes] of Object.entries({
    'no client_id': { client_id: undefined },
    'an unknown client': { client_id: 'nobody' },
    'a client of another tenant’s spelling': { client_id: 'FIRST-APP' },
    'no redirect_uri': { redirect_uri: undefined },
  })) it(`${what} gives a page`, async () => page(await send(changes)));

  for (const [what, changes, error] of [
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['response_type token', { response_type: 'token' }, 'unsupported_response_type'],
    ['response_type id_token', { response_type: 'id_token' }, 'unsupported_response_type'],
    ['response_type code id_token', { response_type: 'code id_token' }, 'unsupported_response_type'],
    ['an unknown response_mode', { response_mode: 'web_message' }, 'invalid_request'],
    ['no code_challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['code_challenge_method plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no code_challenge_method', { code_challenge_method: undefined }, 'invalid_request'],
    ['a challenge of 42 characters', { code_challenge: 'a'.repeat(42) }, 'invalid_request'],
    ['a challenge of 44 characters', { code_challenge: 'a'.repeat(44) }, 'invalid_request'],
    ['a challenge with padding', { code_challenge: `${'a'.repeat(42)}=` }, 'invalid_request'],
    ['a challenge with odd letters', { code_challenge: `${'a'.repeat(42)}é` }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'nonsense' }, 'invalid_request'],
    ['prompt none with another', { prompt: 'none login' }, 'invalid_request'],
    ['max_age that is no number', { max_age: 'soon' }, 'invalid_request'],
    ['a negative max_age', { max_age: '-1' }, 'invalid_request'],
    ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
    ['claims nested too deep', { claims: `${'{"a":'.repeat(200)}1${'}'.repeat(200)}` }, 'invalid_request'],
    ['a request object without a signature', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    ['a request object that is none', { request: 'nonsense' }, 'invalid_request_object'],
    ['a request_uri that is not registered', { request_uri: 'http://127.0.0.1:9/x' }, 'invalid_request_uri'],
    ['an id_token_hint that is none', { id_token_hint: 'nonsense', prompt: 'none' }, 'invalid_request'],
  ]) {
    it(`${what} is refused with ${error}, with state and iss`, async () => {
      const { parameters } = authorization(clients.first, changes);
      const answer = await authorize(at.visitor, at.provider, parameters);
      if (error === 'invalid_request' && answer.status === 303) {
        // some codes have a more exact name
        assert.ok(['invalid_request', 'login_required'].includes(responseOf(answer).get('error')), answer.location);
        assert.equal(responseOf(answer).get('iss'), at.provider.issuer());
        assert.equal(responseOf(answer).get('state'), parameters.state);
        assert.equal(responseOf(answer).get('code'), null);
      } else errorFor(answer, error, parameters);
    });
  }

  it('a public app needs PKCE too', async () => {
    const answer = await send({ code_challenge: undefined, code_challenge_method: undefined, redirect_uri: callback }, clients.public);
    errorFor(answer, 'invalid_request');
  });

  it('each parameter given twice is refused, in either order; for client and redirect_uri with a page', async () => {
    const { parameters } = authorization(clients.first, { prompt: 'none', max_age: '1000', ui_locales: 'ja', login_hint: graduate.email, response_mode: 'query', acr_values: 'x', claims: '{}', display: 'page' });
    for (const name of Object.keys(parameters)) {
      for (const [first, second] of [[parameters[name], 'other'], ['other', parameters[name]], [parameters[name], parameters[name]]]) {
        const pairs = [...Object.entries(parameters).filter(([key]) => key !== name), [name, first], [name, second]];
        const answer = await authorize(at.visitor, at.provider, pairs);
        if (answer.status === 303) {
          assert.ok(!['client_id', 'redirect_uri'].includes(name), name);
          const response = responseOf(answer);
          assert.equal(response.get('error'), 'invalid_request', `${name}: ${answer.location}`);
        } else page(answer, 'invalid_request');
      }
    }
  });

  it('a parameter in the query and again in the body is refused', async () => {
    const { authorization_endpoint: endpoint } = await metadata(at.provider);
    const { parameters } = authorization(clients.first);
    for (const name of ['client_id', 'redirect_uri', 'state', 'code_challenge']) {
      const answer = await at.visitor.send(`${endpoint}?${formBody({ [name]: parameters[name] })}`, {
        method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: formBody(parameters),
      });
      if (answer.status === 303) assert.equal(responseOf(answer).get('code'), null, name);
      else assert.equal(answer.status, 400, name);
    }
  });

  it('state and nonce come back byte for byte, also odd ones; oversized ones are refused', async () => {
    for (const odd of ['ünïcödé 日本語 👋', 'a&b=c#d?e', '%25%00'.replace('%00', ''), ' lead and trail ', '"><script>', "'; --", 'x'.repeat(512)]) {
      const { parameters, verifier } = authorization(clients.first, { state: odd, nonce: odd });
      const answer = await authorize(at.visitor, at.provider, parameters);
      const response = responseOf(answer);
      assert.equal(response.get('state'), odd);
      const got = await redeem(at.provider, clients.first, { code: response.get('code'), verifier, parameters });
      const { payload } = await verified(at.provider, got.json.id_token, clients.first);
      assert.equal(payload.nonce, odd);
    }
    const huge = await send({ state: 'x'.repeat(20_000) });
    assert.ok(huge.status === 400 || huge.status === 414 || huge.status === 431 || responseOf(huge).get('error') === 'invalid_request');
  });

  it('prompt=none: login_required for a stranger, consent_required or interaction_required at a new third party, a code at a known one', async () => {
    const stranger = authorization(clients.first, { prompt: 'none' });
    errorFor(await authorize(new Visitor(), at.provider, stranger.parameters), 'login_required', stranger.parameters);
    const visitor = await signedIn(at.provider, otherGraduate);
    const first = authorization(clients.third, { prompt: 'none' });
    const refused = responseOf(await authorize(visitor, at.provider, first.parameters));
    assert.ok(['consent_required', 'interaction_required'].includes(refused.get('error')), refused.toString());
    await code(visitor, at.provider, clients.third);
    assert.ok(responseOf(await authorize(visitor, at.provider, authorization(clients.third, { prompt: 'none' }).parameters)).get('code'), 'consent is remembered');
    const more = responseOf(await authorize(visitor, at.provider, authorization(clients.third, { prompt: 'none', scope: 'openid profile email address phone offline_access' }).parameters));
    assert.notEqual(more.get('error'), null, 'more than was consented to asks again');
  });

  it('prompt=login asks again although a session is there, and the new auth_time is in the token', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const before = await tokens(visitor, at.provider, clients.first, { max_age: '10000' });
    const { payload: old } = await verified(at.provider, before.id_token, clients.first);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const { parameters, verifier } = authorization(clients.first, { prompt: 'login', max_age: '10000' });
    let answer = await authorize(visitor, at.provider, parameters);
    await visitor.visit(answer.location);
    await expectPage(visitor, 'login');
    // going back to the authorization endpoint without logging in gives nothing
    const impatient = await visitor.send(answer.location.replace('/login', '/authorize/resume'));
    assert.ok(!(impatient.location ?? '').includes('code='));
    await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
    const sent = visitor.submission('login');
    answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    while (!answer.location.startsWith(callback)) answer = await visitor.send(answer.location);
    const got = await redeem(at.provider, clients.first, { code: responseOf(answer).get('code'), verifier, parameters });
    const { payload } = await verified(at.provider, got.json.id_token, clients.first);
    assert.ok(payload.auth_time > old.auth_time);
  });

  it('prompt=consent and offline access ask; deny gives access_denied to the app', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { parameters } = authorization(clients.third, { prompt: 'consent' });
    const answer = await authorize(visitor, at.provider, parameters);
    visitor.show(answer.location ? await visitor.send(answer.location) : answer);
    await expectPage(visitor, 'consent');
    assert.ok(await visitor.exists('#allow'));
    assert.match(await visitor.text(), /Third party/);
    const sent = visitor.submission('deny');
    const denied = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    errorFor(denied, 'access_denied', parameters);
  });

  it('consent can be given only by the browser and person that were asked', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { parameters } = authorization(clients.third, { prompt: 'consent' });
    const answer = await authorize(visitor, at.provider, parameters);
    visitor.show(answer.location ? await visitor.send(answer.location) : answer);
    const sent = visitor.submission('allow');
    const other = await signedIn(at.provider, otherGraduate);
    const stolen = await other.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.ok(!(stolen.location ?? '').includes('code='), stolen.location);
  });

  it('giving up at the login page tells the app', async () => {
    const visitor = new Visitor();
    const { parameters } = authorization(clients.first);
    await visitor.visit((await authorize(visitor, at.provider, parameters)).location);
    await expectPage(visitor, 'login');
    const sent = visitor.submission('deny');
    const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    errorFor(answer, 'access_denied', parameters);
  });

  it('login_hint fills in the login ID, ui_locales chooses the language; nothing of the request stands in an address or cookie', async () => {
    const visitor = new Visitor({ language: 'ja' });
    const { parameters } = authorization(clients.first, { login_hint: 'hinted@example.jp', ui_locales: 'fr en ja', state: 'STATE-CANARY-123' });
    const answer = await authorize(visitor, at.provider, parameters);
    await visitor.visit(answer.location);
    assert.equal(await visitor.value('login_id'), 'hinted@example.jp');
    assert.equal(await visitor.attribute('html', 'lang'), 'en');
    assert.ok(!(await visitor.url()).includes('CANARY'));
    assert.ok(!visitor.answer.text.includes('STATE-CANARY-123'));
  });

  it('the app’s name, logo and policies stand on the login page when they are registered', async () => {
    await at.provider.registerClient({
      ...clients.third, client_id: 'dressed-app', client_name: 'Dressed & <b>bold</b>', 'client_name#ja': '正装アプリ', logo_uri: 'https://app.example/logo.png',
      policy_uri: 'https://app.example/policy', tos_uri: 'https://app.example/tos',
    });
    const client = { ...clients.third, client_id: 'dressed-app' };
    for (const [language, name] of [['ja', '正装アプリ'], ['en', 'Dressed & <b>bold</b>']]) {
      const visitor = new Visitor({ language });
      await visitor.visit((await authorize(visitor, at.provider, authorization(client).parameters)).location);
      assert.equal(await visitor.attribute('img#client_logo', 'src'), 'https://app.example/logo.png');
      assert.equal(await visitor.attribute('a#client_policy', 'href'), 'https://app.example/policy');
      assert.equal(await visitor.attribute('a#client_tos', 'href'), 'https://app.example/tos');
      assert.ok((await visitor.text()).includes(name));
      assert.doesNotMatch(visitor.answer.text, /<b>bold/);
    }
  });

  it('two requests in two tabs of one browser both end at their own app with their own state', async () => {
    const visitor = new Visitor();
    const [one, two] = [authorization(clients.first), authorization(clients.first)];
    const pages = [];
    for (const { parameters } of [one, two]) pages.push((await authorize(visitor, at.provider, parameters)).location);
    for (const [n, { parameters }] of [[0, one], [1, two]]) {
      let answer = await visitor.send(pages[n]);
      if (answer.status === 200) {
        visitor.show(answer);
        assert.equal(n, 0, 'the second goes on by itself');
        await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
        const sent = visitor.submission('login');
        answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
      }
      while (!answer.location.startsWith(callback)) answer = await visitor.send(answer.location);
      assert.equal(responseOf(answer).get('state'), parameters.state);
    }
  });

  it('a parked request of one browser is unknown to another', async () => {
    const visitor = new Visitor();
    const { location } = await authorize(visitor, at.provider, authorization(clients.first).parameters);
    const thief = await signedIn(at.provider, otherGraduate);
    const answer = await thief.send(location.replace('/login', '/authorize/resume'));
    assert.ok(!(answer.location ?? '').startsWith(callback), answer.location);
    const stolen = new Visitor();
    await stolen.visit(location);
    if ((await stolen.page()) === 'login') {
      await logIn(stolen, graduate).catch(() => {});
      assert.ok(!stolen.trail.some((step) => (step.location ?? '').includes('code=')));
    }
  });

  it('codes of two people who log in at the same time carry their own sub, nonce and auth_time', async () => {
    const [one, two] = await Promise.all([signedIn(at.provider, graduate), signedIn(at.provider, otherGraduate)]);
    const [a, b] = await Promise.all([tokens(one, at.provider, clients.first, { nonce: 'nonce-one' }), tokens(two, at.provider, clients.first, { nonce: 'nonce-two' })]);
    const [x, y] = [await verified(at.provider, a.id_token, clients.first), await verified(at.provider, b.id_token, clients.first)];
    assert.notEqual(x.payload.sub, y.payload.sub);
    assert.equal(x.payload.nonce, 'nonce-one');
    assert.equal(y.payload.nonce, 'nonce-two');
    const { createHash } = await import('node:crypto');
    for (const [token, { payload }] of [[a, x], [b, y]]) {
      assert.equal(payload.at_hash, createHash('sha256').update(token.access_token).digest().subarray(0, 16).toString('base64url'));
    }
  });

  it('acr_values that cannot be met are not lied about; amr never says mfa', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { id_token: jwt } = await tokens(visitor, at.provider, clients.first, { acr_values: 'urn:example:mfa' });
    const { payload } = await verified(at.provider, jwt, clients.first);
    assert.notEqual(payload.acr, 'urn:example:mfa');
    assert.deepEqual(payload.amr, ['pwd']);
    const essential = await authorize(visitor, at.provider, authorization(clients.first, { claims: JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:example:mfa' } } }) }).parameters);
    assert.equal(responseOf(essential).get('code'), null, 'an essential class that we cannot give is an error');
  });

  it('the claims parameter brings single claims into id token and userinfo, and reserved ones change nothing', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const claims = JSON.stringify({ id_token: { email: null, auth_time: { essential: true }, iss: { value: 'https://evil.example' } }, userinfo: { birthdate: null } });
    const got = await tokens(visitor, at.provider, clients.first, { scope: 'openid', claims });
    const { payload } = await verified(at.provider, got.id_token, clients.first);
    assert.equal(payload.email, graduate.email);
    assert.equal(typeof payload.auth_time, 'number');
    assert.equal(payload.iss, at.provider.issuer());
    const wanted = await authorize(visitor, at.provider, authorization(clients.first, { claims: JSON.stringify({ id_token: { sub: { value: 'somebody-else' } } }), prompt: 'none' }).parameters);
    assert.equal(responseOf(wanted).get('code'), null, 'another subject was asked for');
  });

  it('an id_token_hint of another person is not answered with this one’s code', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const other = await signedIn(at.provider, otherGraduate);
    const { id_token: hint } = await tokens(other, at.provider, clients.first);
    const answer = await authorize(visitor, at.provider, authorization(clients.first, { id_token_hint: hint, prompt: 'none' }).parameters);
    errorFor(answer, 'login_required');
    const own = await tokens(visitor, at.provider, clients.first);
    assert.ok(responseOf(await authorize(visitor, at.provider, authorization(clients.first, { id_token_hint: own.id_token, prompt: 'none' }).parameters)).get('code'));
  });

  it('a client of one tenant is unknown at the other', async () => {
    const answer = await authorize(new Visitor(), at.provider, authorization(clients.first).parameters, { tenant: 'residence' });
    page(answer);
  });

  it('an unknown parameter is ignored, an empty one is like none', async () => {
    const { parameters } = authorization(clients.first, { nonsense: 'x', display: 'popup', prompt: '', max_age: '' });
    assert.ok(responseOf(await authorize(at.visitor, at.provider, parameters)).get('code'));
    assert.ok(pkce().challenge);
  });
});
