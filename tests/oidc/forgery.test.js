// What a forged request, cookie, address or account cannot do at the authorization endpoint. The letters name the lines of
// the list of attacks on relying parties and providers: mix-up (O6), open redirects (O8), overloaded claims (O25), forged
// state of a flow (O27).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { graduate, newAddress, otherGraduate } from '../support/people.js';
import { authorization, authorize, callback, clients, metadata, push, responseOf, signedIn, signInAt, tokens, userinfo, verified } from '../support/protocol.js';
import { everyClient, onEachDatabase, people } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

/** Claims that only the protocol makes, and what somebody would like them to be. */
const overloaded = {
  iss: 'https://evil.example', sub: 'somebody-else', aud: 'another-app', exp: 4_102_444_800, iat: 0, nbf: 0, jti: 'x', acr: 'urn:example:mfa', amr: ['mfa'], auth_time: 0,
  nonce: 'forged', azp: 'another-app', at_hash: 'x', c_hash: 'x', s_hash: 'x', sid: 'forged', cnf: { jkt: 'x' }, client_id: 'another-app', scope: 'everything', events: {},
};

onEachDatabase('forged requests', { accounts: people, clients: everyClient }, (at) => {
  const person = async () => {
    at.visitor ??= await signedIn(at.provider, graduate);
    return at.visitor;
  };

  it('every answer says whom it is from, the exact issuer of discovery: success and error, query, fragment, form and signed (O6)', async () => {
    const { issuer } = await metadata(at.provider);
    for (const mode of ['query', 'fragment', 'form_post', 'jwt']) {
      for (const changes of [{}, { scope: 'nothing' }, { prompt: 'none', max_age: '0' }]) {
        const { parameters } = authorization(clients.first, { response_mode: mode, ...changes });
        const answer = await authorize(await person(), at.provider, parameters);
        if (mode === 'form_post') assert.match(answer.text, new RegExp(`name="iss" value="${issuer}"`));
        else if (mode === 'jwt') assert.equal((await verified(at.provider, responseOf(answer).get('response'), clients.first)).payload.iss, issuer);
        else assert.equal(new URL(answer.location.replace('#', '?')).searchParams.get('iss'), issuer, answer.location);
      }
    }
  });

  it('no parameter of a page leads away: next, return_to and flow are not followed, state cannot split a header (O8)', async () => {
    const visitor = new Visitor();
    for (const where of ['//evil.example', '/\\evil.example', 'https:evil.example', 'https://evil.example/', '/%0d%0aLocation:%20https://evil.example', 'javascript:alert(1)']) {
      const query = ['next', 'return_to', 'redirect', 'redirect_uri', 'flow', 'url', 'continue'].map((name) => `${name}=${encodeURIComponent(where)}`).join('&');
      for (const page of ['login', 'logout', 'authorize/resume', 'end-session', '', 'register']) {
        const answer = await visitor.send(`${at.provider.issuer()}/${page}?${query}`);
        if (answer.location) assert.equal(new URL(answer.location).origin, at.provider.origin, `${page}: ${answer.location}`);
        assert.doesNotMatch(answer.text, /(href|action|src|content)="[^"]*evil\.example/, page);
      }
    }
    await visitor.visit(`${at.provider.issuer()}/login?next=${encodeURIComponent('//evil.example')}`);
    await visitor.fill({ login_id: graduate.login_id, password: graduate.password, second_password: graduate.second_password });
    const sent = visitor.submission('login');
    const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.equal(answer.status, 303);
    assert.equal(new URL(answer.location).origin, at.provider.origin);
    const { parameters } = authorization(clients.first, { state: 'a\r\nLocation: https://evil.example\r\n\r\n<script>' });
    const redirect = await authorize(visitor, at.provider, parameters);
    assert.ok(redirect.location.startsWith(`${callback}?`));
    assert.doesNotMatch(redirect.headers.location, /[\r\n<]/);
    assert.equal(responseOf(redirect).get('state'), parameters.state);
  });

  it('an error leaves only for a registered address, also from a push and from a signed-in person (O8)', async () => {
    for (const redirect of ['https://evil.example/', `${callback}@evil.example/`, `${callback}/..//evil.example`]) {
      for (const changes of [{ prompt: 'none' }, { scope: 'nothing' }, { response_type: 'nothing' }, { response_mode: 'fragment' }]) {
        const { parameters } = authorization(clients.first, { redirect_uri: redirect, ...changes });
        const answer = await authorize(await person(), at.provider, parameters);
        assert.equal(answer.status, 400);
        assert.equal(answer.headers.location, undefined);
        assert.equal((await push(at.provider, clients.first, parameters)).status, 400);
      }
    }
  });

  it('an account whose claims overload those of the protocol changes no token (O25)', async () => {
    const address = newAddress('forger');
    const forger = { ...otherGraduate, login_id: address, email: address, student_ids: [], claims: { ...otherGraduate.claims, ...overloaded } };
    const file = await at.provider.file('forger.json', forger);
    const made = await at.provider.cli(['account', 'create', '--tenant', 'certificate', '--file', file]);
    // refusing such an account is an answer too
    if (made.code !== 0) return assert.match(made.stderr, /claim/i);
    const visitor = await signedIn(at.provider, forger);
    const wanted = Object.fromEntries(Object.keys(overloaded).map((name) => [name, null]));
    const asked = JSON.stringify({ id_token: { ...wanted, sub: undefined, acr: undefined }, userinfo: { ...wanted, sub: undefined, acr: undefined } });
    for (const claims of [undefined, asked]) {
      const got = await tokens(visitor, at.provider, clients.first, { claims });
      const { payload } = await verified(at.provider, got.id_token, clients.first);
      const info = (await userinfo(at.provider, got.access_token)).json;
      assert.equal(payload.nonce, got.granted.parameters.nonce);
      assert.equal(info.sub, payload.sub);
      for (const [name, value] of Object.entries(overloaded)) {
        assert.notDeepEqual(payload[name], value, `${name} in the ID token`);
        assert.notDeepEqual(info[name], value, `${name} at userinfo`);
      }
    }
  });

  it('the browser holds names only: no cookie, address or page carries the request, and a changed name is an unknown one (O27)', async () => {
    const visitor = new Visitor();
    const { parameters } = authorization(clients.first, { state: 'CANARY-state', nonce: 'CANARY-nonce', login_hint: 'x@example.jp' });
    const begun = await authorize(visitor, at.provider, parameters);
    const page = await visitor.send(begun.location);
    const held = [begun.location, page.text, ...visitor.jar.of('127.0.0.1').values()];
    for (const one of held) {
      const seen = [one, decodeURIComponent(one.replace(/%(?![0-9a-f]{2})/gi, '%25')), Buffer.from(one, 'base64url').toString('latin1'), Buffer.from(one, 'base64').toString('latin1')].join('\n');
      for (const secret of ['CANARY', parameters.code_challenge, callback]) assert.ok(!seen.includes(secret), `${secret} in ${one.slice(0, 80)}`);
    }
    const flow = new URL(begun.location).searchParams.get('flow');
    const resume = (name) => visitor.send(`${at.provider.issuer()}/authorize/resume?flow=${encodeURIComponent(name)}`);
    for (const name of [`${flow}A`, flow.slice(1), flow.toLowerCase() === flow ? flow.toUpperCase() : flow.toLowerCase(), Buffer.from('{"redirect_uri":"https://evil.example"}').toString('base64url'), '../../', '']) {
      const answer = await resume(name);
      assert.ok(!(answer.location ?? '').startsWith(callback), name);
      assert.ok(answer.status >= 400 || answer.location?.startsWith(at.provider.origin), name);
    }
    // what is added to the address of a waiting request does not change it
    const added = await visitor.send(`${begun.location}&redirect_uri=https%3A%2F%2Fevil.example&client_id=third-app&state=other&scope=openid`);
    assert.equal(added.status, 200);
    const answer = await signInAt(visitor, at.provider, { location: `${begun.location}&state=other&redirect_uri=https%3A%2F%2Fevil.example` }, graduate);
    assert.ok(answer.location.startsWith(`${callback}?`), answer.location);
    assert.equal(responseOf(answer).get('state'), 'CANARY-state');
  });
});
