// RP-initiated logout: ends the session of whoever asked, and leads only where the app registered.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expectPage } from '../support/journey.js';
import { graduate, otherGraduate } from '../support/people.js';
import { authorization, authorize, clients, metadata, refresh, responseOf, signedIn, tokens, userinfo } from '../support/protocol.js';
import { formBody } from '../support/http.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('logout', { accounts: everybody, clients: everyClient }, (at) => {
  const goodbye = clients.first.post_logout_redirect_uris[0];
  const ask = async (visitor, parameters) => {
    const { end_session_endpoint: endpoint } = await metadata(at.provider);
    return visitor.send(`${endpoint}?${formBody(parameters)}`);
  };
  /** Follows to the end, pressing the confirmation when there is one; gives the last redirect or page. */
  const finish = async (visitor, answer) => {
    let last = answer;
    for (let step = 0; step < 5; step += 1) {
      if (last.location?.startsWith(goodbye)) return last;
      if (last.location) {
        last = await visitor.send(last.location);
        continue;
      }
      visitor.show(last);
      if (!(await visitor.exists('button#logout'))) return last;
      const sent = visitor.submission('logout');
      last = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    }
    return last;
  };
  const isSignedIn = async (visitor) => {
    const { parameters } = authorization(clients.first, { prompt: 'none' });
    return responseOf(await authorize(visitor, at.provider, parameters)).get('code') !== null;
  };

  it('with the own id token as hint it ends the session and returns to the app with state', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { id_token: hint } = await tokens(visitor, at.provider, clients.first);
    const answer = await finish(visitor, await ask(visitor, { id_token_hint: hint, post_logout_redirect_uri: goodbye, state: 'a b&c' }));
    assert.ok(answer.location?.startsWith(goodbye), answer.text?.slice(0, 300));
    assert.equal(new URL(answer.location).searchParams.get('state'), 'a b&c');
    assert.equal(await isSignedIn(visitor), false);
    const cleared = answer.headers['set-cookie'] ?? [];
    assert.ok(cleared.length === 0 || cleared.some((line) => /max-age=0|expires=/i.test(line)));
  });

  it('without a hint it asks first, and GET alone ends nothing', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const answer = await ask(visitor, {});
    assert.ok([200, 303].includes(answer.status));
    assert.equal(await isSignedIn(visitor), true);
    const last = await finish(visitor, answer);
    visitor.show(last);
    assert.ok(await visitor.exists('#logged_out'));
    assert.equal(await isSignedIn(visitor), false);
  });

  for (const [what, uri] of Object.entries({
    'one that is not registered': 'http://127.0.0.1:7171/elsewhere',
    'another host': 'https://evil.example/',
    'a protocol-relative one': '//evil.example/',
    'a backslash': '/\\evil.example',
    'a line break': 'http://127.0.0.1:7171/goodbye\r\nSet-Cookie: x=1',
    'more at the end': `${clients.first.post_logout_redirect_uris[0]}/`,
    'a query more': `${clients.first.post_logout_redirect_uris[0]}?x=1`,
    javascript: 'javascript:alert(1)',
  })) {
    it(`post_logout_redirect_uri: ${what} is never followed`, async () => {
      const visitor = await signedIn(at.provider, graduate);
      const { id_token: hint } = await tokens(visitor, at.provider, clients.first);
      const first = await ask(visitor, { id_token_hint: hint, post_logout_redirect_uri: uri });
      const answer = await finish(visitor, first);
      for (const one of [first, answer]) {
        assert.ok(!one.location || one.location.startsWith(at.provider.origin), one.location);
        assert.doesNotMatch(one.text, /href="javascript:|http-equiv="refresh"/);
      }
    });
  }

  it('a registered address without proof of the client is not followed before the person confirms', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const answer = await ask(visitor, { post_logout_redirect_uri: goodbye });
    assert.ok(!(answer.location ?? '').startsWith(goodbye));
    assert.equal(await isSignedIn(visitor), true);
  });

  it('another person’s hint does not end this person’s session without asking', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const other = await signedIn(at.provider, otherGraduate);
    const { id_token: hint } = await tokens(other, at.provider, clients.first);
    await ask(visitor, { id_token_hint: hint, post_logout_redirect_uri: goodbye });
    assert.equal(await isSignedIn(visitor), true);
    assert.equal(await isSignedIn(other), true);
  });

  it('client_id must match the hint’s audience', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const { id_token: hint } = await tokens(visitor, at.provider, clients.first);
    const answer = await ask(visitor, { id_token_hint: hint, client_id: clients.third.client_id, post_logout_redirect_uri: goodbye });
    assert.ok(!(answer.location ?? '').startsWith(goodbye));
  });

  it('the confirmation needs the form token', async () => {
    const visitor = await signedIn(at.provider, graduate);
    visitor.show(await ask(visitor, {}));
    if (!(await visitor.exists('button#logout'))) await visitor.visit(`${at.provider.issuer()}/logout`);
    const sent = visitor.submission('logout', { csrf: undefined });
    const answer = await visitor.send(sent.url, sent);
    assert.equal(answer.status, 403);
    assert.equal(await isSignedIn(visitor), true);
  });

  it('logging out when nobody is signed in is no error', async () => {
    const visitor = new Visitor();
    const answer = await ask(visitor, {});
    assert.ok(answer.status < 400);
    await visitor.visit(`${at.provider.issuer()}/login`);
    await expectPage(visitor, 'login');
  });

  it('offline tokens live on after logout as far as the session allows, access to the session does not', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const got = await tokens(visitor, at.provider, clients.first);
    await finish(visitor, await ask(visitor, { id_token_hint: got.id_token }));
    for (const answer of [await userinfo(at.provider, got.access_token), await refresh(at.provider, clients.first, got.refresh_token)]) assert.ok(answer.status < 500);
    assert.equal(await isSignedIn(visitor), false);
  });
});
