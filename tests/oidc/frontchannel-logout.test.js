// OpenID Connect Front-Channel Logout: the logout page loads the apps' pages in frames and goes on without a script.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { graduate } from '../support/people.js';
import { authorization, authorize, clients, metadata, responseOf, signedIn, tokens, verified } from '../support/protocol.js';
import { everybody, onEachDatabase } from '../support/suite.js';

const origin = 'http://127.0.0.1:7171';
const framed = { ...clients.first, frontchannel_logout_uri: `${origin}/front?from=op`, frontchannel_logout_session_required: true };
const plain = { ...clients.first, client_id: 'plain', client_secret: 'secret-of-plain-app', frontchannel_logout_uri: `${origin}/plain` };

onEachDatabase('front-channel logout', { accounts: everybody, clients: [framed, plain] }, (at) => {
  const goodbye = framed.post_logout_redirect_uris[0];
  const frames = (visitor) => visitor.document.querySelectorAll('iframe').map((frame) => new URL(frame.getAttribute('src').replaceAll('&amp;', '&')));

  it('oidcc-frontchannel-rp-initiated-logout: frames with iss and sid, then the redirect, then nobody is signed in', async () => {
    const document = await metadata(at.provider);
    assert.equal(document.frontchannel_logout_supported, true, 'oidcc-frontchannel-logout-discovery-endpoint-verification');
    assert.equal(document.frontchannel_logout_session_supported, true);
    const visitor = await signedIn(at.provider, graduate);
    const { id_token: hint } = await tokens(visitor, at.provider, framed);
    await tokens(visitor, at.provider, plain);
    const { payload } = await verified(at.provider, hint, framed);
    const answer = await visitor.send(`${document.end_session_endpoint}?id_token_hint=${hint}&post_logout_redirect_uri=${encodeURIComponent(goodbye)}&state=s%261`);
    assert.equal(answer.status, 200);
    visitor.show(answer);
    const [first, second] = frames(visitor);
    assert.equal(first.searchParams.get('iss'), document.issuer);
    assert.equal(first.searchParams.get('sid'), payload.sid);
    assert.equal(first.searchParams.get('from'), 'op', 'its own query stays');
    assert.equal(second.search, '', 'who did not ask for the session is not told it');
    assert.match(answer.headers['content-security-policy'], /frame-src http:\/\/127\.0\.0\.1:7171/);
    const next = `${goodbye}?state=s%261`;
    assert.equal(answer.headers.refresh, `3; url=${next}`, 'goes on by itself, without a script');
    assert.equal((await visitor.attribute('a#continue', 'href')).replaceAll('&amp;', '&'), next);
    const silent = authorization(framed, { prompt: 'none' });
    assert.equal(responseOf(await authorize(visitor, at.provider, silent.parameters)).get('error'), 'login_required');
  });

  it('the provider’s own logout loads them too; without such apps there are no frames', async () => {
    const visitor = await signedIn(at.provider, graduate);
    await tokens(visitor, at.provider, framed);
    await visitor.visit(`${at.provider.issuer()}/logout`);
    await visitor.press('logout');
    assert.ok(await visitor.exists('#logged_out'));
    assert.equal(frames(visitor).length, 1);
    const another = await signedIn(at.provider, graduate);
    await another.visit(`${at.provider.issuer()}/logout`);
    await another.press('logout');
    assert.ok(await another.exists('#logged_out'));
    assert.equal(frames(another).length, 0);
  });

  it('the page is of a redirect URI’s origin; oidcc-3rd_party-init-login-nohttps: a login is not started over http', async () => {
    for (const [member, uri] of [
      ['frontchannel_logout_uri', 'https://elsewhere.example/front'],
      ['frontchannel_logout_uri', 'javascript:alert(1)'],
      ['initiate_login_uri', 'http://app.example/login'],
    ]) {
      const file = await at.provider.file('bad.json', { ...framed, client_id: 'bad', [member]: uri });
      const { code, stderr } = await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', file]);
      assert.notEqual(code, 0, uri);
      assert.match(stderr, new RegExp(member));
    }
  });
});
