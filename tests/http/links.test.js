// One-time links, every kind of them: looking uses nothing up, using does once, and each way in which one cannot be used
// has its page.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, it } from 'node:test';
import { request } from '../support/http.js';
import { expectPage, signIn } from '../support/journey.js';
import { kinds, noLinks, withSettingUrl } from '../support/links.js';
import { clerk } from '../support/people.js';
import { root } from '../support/provider.js';
import { onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

it('every purpose of a one-time secret is in the table of links, or known to be in none', async () => {
  const source = await readFile(path.join(root, 'provider/domain/src/one_time.rs'), 'utf8');
  const purposes = [...source.matchAll(/Purpose::\w+ => "(\w+)"/g)].map(([, purpose]) => purpose);
  assert.ok(purposes.length >= 5, purposes.join());
  assert.deepEqual([...kinds.map(({ purpose }) => purpose), ...noLinks].sort(), [...new Set(purposes)].sort());
});

onEachDatabase('links', { accounts: [clerk], tenants: ['certificate', 'residence'], edit: withSettingUrl, env: { RUST_LOG: 'debug' } }, (at) => {
  let desk;
  before(async () => { desk = await signIn(new Visitor(), at.provider, clerk); });
  const tokenOf = (link) => link.split('/').at(-1);
  const rows = (sql) => at.provider.database.rows(sql);
  const used = async () => (await rows('SELECT purpose, count(*) AS n, count(consumed_at) AS used, count(revoked_at) AS ended FROM one_time GROUP BY purpose ORDER BY purpose'));
  const contents = async () => {
    const counts = {};
    for (const table of ['drafts', 'draft_browsers', 'applications', 'accounts', 'sessions', 'outbox', 'audit', 'interactions']) counts[table] = Number((await rows(`SELECT count(*) AS n FROM ${table}`))[0].n);
    return { counts, used: await used() };
  };
  // as it is stored; several are made in one second
  const hashOf = (token) => createHash('sha256').update(token).digest('base64url');

  for (const kind of kinds) {
    it(`${kind.purpose}: GET, HEAD, OPTIONS, prefetch and scanners use nothing up, leave no secret behind, and the person then succeeds`, async () => {
      const { link } = await kind.make(at.provider, desk);
      const token = tokenOf(link);
      assert.match(token, /^[A-Za-z0-9_-]{43}$/, '256 bits');
      assert.ok(link.startsWith(at.provider.issuer()), link);
      const before = await contents();
      for (const [method, headers] of [
        ['GET', {}], ['HEAD', {}], ['OPTIONS', {}], ['GET', { 'user-agent': 'MailScanner/1.0', 'sec-purpose': 'prefetch;prerender', purpose: 'prefetch' }], ['GET', { 'x-moz': 'prefetch' }],
        ['GET', { referer: 'https://mail.example/inbox' }], ['GET', {}], ['POST', { origin: at.provider.origin }],
      ]) {
        const answer = await request(link, { method, headers });
        assert.ok([200, 303, 404, 405].includes(answer.status), `${method}: ${answer.status}`);
        if (answer.status !== 303) continue;
        assert.ok(!answer.location.includes(token), 'the secret is out of the address at once');
        assert.equal(answer.headers['referrer-policy'], 'no-referrer');
        assert.equal(answer.headers['cache-control'], 'no-store');
        for (const { attributes, line } of answer.cookies) {
          assert.ok(attributes.httponly && attributes.samesite === 'Lax' && attributes['max-age'] === undefined && attributes.domain === undefined, line.replace(token, '…'));
        }
      }
      assert.deepEqual(await contents(), before, 'nothing was changed');
      const visitor = new Visitor();
      await visitor.visit(link);
      await expectPage(visitor, kind.first);
      assert.ok(!(await visitor.url()).includes(token));
      assert.ok(!(await visitor.html()).includes(token), 'nor in the page');
      assert.doesNotMatch(await visitor.html(), /(src|href)="https?:\/\/(?!127\.0\.0\.1)[^"]+\.(js|css|png|svg)"/);
      assert.deepEqual(await contents(), before);
      await kind.finish(visitor);
      const after = (await used()).find(({ purpose }) => purpose === kind.purpose);
      assert.equal(Number(after.used), Number(before.used.find(({ purpose }) => purpose === kind.purpose).used) + 1, 'used once');
      assert.ok(!at.provider.log.includes(token), 'the log does not have it');
    });

    it(`${kind.purpose}: used, expired, replaced, unknown, cut off and foreign ones each get their page and change nothing`, async () => {
      const { link, again } = await kind.make(at.provider, desk);
      const token = tokenOf(link);
      const look = async (url, status, say) => {
        const visitor = new Visitor();
        await visitor.visit(url);
        assert.equal(visitor.status, status, `${say}: ${visitor.describe()}`);
        await expectPage(visitor, status === 404 && !(await visitor.exists('[data-error-code]')) ? [kind.over, 'not-found'] : kind.over);
        return visitor;
      };
      const unknown = token.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')).replace(/^./, (c) => (c === 'Q' ? 'R' : 'Q'));
      for (const [url, say] of [
        [link.replace(token, unknown), 'unknown'], [link.slice(0, -1), 'one character short'], [`${link}A`, 'one too many'], [`${link}%0d%0aSet-Cookie:x=y`, 'with a line break'],
        [link.replace('/t/certificate/', '/t/residence/'), 'another tenant’s'],
        ...kinds.filter((other) => other !== kind).map((other) => [link.replace(kind.part, other.part), `as a ${other.purpose}`]),
      ]) {
        const visitor = new Visitor();
        await visitor.visit(url);
        assert.equal(visitor.status, 404, `${say}: ${visitor.describe()}`);
        await expectPage(visitor, ['link-problem', 'not-found'], say);
        if ((await visitor.page()) === 'link-problem') {
          const code = await visitor.attribute('[data-error-code]', 'data-error-code');
          assert.equal(code, 'link_unknown', say);
        }
      }
      const hash = hashOf(token);
      const change = (what) => at.provider.database.execute(`UPDATE one_time SET ${what} WHERE purpose = '${kind.purpose}' AND token_hash = '${hash}'`);
      const [{ expires_at: end }] = await rows(`SELECT expires_at FROM one_time WHERE token_hash = '${hash}'`);
      await change('expires_at = 1000');
      const late = await look(link, 410, 'expired');
      assert.equal(await late.attribute('[data-error-code]', 'data-error-code'), 'link_expired');
      assert.ok(await late.exists('a#ok, a#restart, main a[href]'), 'and how to start again');
      await change(`expires_at = ${end}`);
      if (again) {
        const newer = await again();
        const old = await look(link, 410, 'replaced');
        assert.equal(await old.attribute('[data-error-code]', 'data-error-code'), 'link_superseded');
        const visitor = new Visitor();
        await visitor.visit(newer);
        await kind.finish(visitor);
        const gone = await look(newer, 410, 'used');
        assert.equal(await gone.attribute('[data-error-code]', 'data-error-code'), 'link_used');
      } else {
        await change('revoked_at = 1000');
        const old = await look(link, 410, 'replaced');
        assert.equal(await old.attribute('[data-error-code]', 'data-error-code'), 'link_superseded');
        await change('revoked_at = NULL');
        const visitor = new Visitor();
        await visitor.visit(link);
        await kind.finish(visitor);
        const gone = await look(link, 410, 'used');
        assert.equal(await gone.attribute('[data-error-code]', 'data-error-code'), 'link_used');
      }
    });

    it(`${kind.purpose}: open in two browsers, one completes it, the other is told and changes nothing`, async () => {
      const { link } = await kind.make(at.provider, desk);
      const browsers = [new Visitor(), new Visitor({ language: 'en' })];
      for (const visitor of browsers) {
        await visitor.visit(link);
        await expectPage(visitor, kind.first);
      }
      await kind.finish(browsers[0]);
      const before = await contents();
      if (kind.button === 'agree') await browsers[1].fill({ agree: 'yes' });
      if (kind.button === 'set') await browsers[1].fill({ password: 'Okurete2025ne', password_confirm: 'Okurete2025ne', second_password: 'Kaede99nibanme', second_password_confirm: 'Kaede99nibanme' });
      await browsers[1].press(kind.button);
      assert.ok([409, 410].includes(browsers[1].status), browsers[1].describe());
      await expectPage(browsers[1], ['invalid-operation', kind.over]);
      assert.deepEqual(await contents(), before);
    });
  }

  it('a miss is as any other page: the same answer for every kind of unknown, and the log stays quiet', async () => {
    const answers = [];
    for (const { part } of kinds) {
      const visitor = new Visitor();
      await visitor.visit(`${at.provider.issuer()}${part}${'A'.repeat(43)}`);
      answers.push([visitor.status, await visitor.attribute('[data-error-code]', 'data-error-code')]);
    }
    assert.deepEqual(answers, kinds.map(() => [404, 'link_unknown']));
  });
});
