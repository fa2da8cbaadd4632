// Two processes on one PostgreSQL, and what is asked of both at the same moment: one outcome each.

import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { databases } from '../support/database.js';
import { apply, decide, expectPage, fillForm, logIn, openApplication, openResubmission, reachForm, signIn } from '../support/journey.js';
import { chosen, kinds, somebody, withSettingUrl } from '../support/links.js';
import { clerk, newAddress, secondClerk } from '../support/people.js';
import { addStudentId } from '../support/personal.js';
import { clients, code, redeem, refresh, signedIn, tokens } from '../support/protocol.js';
import { everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

const rounds = 6;

onEachDatabase('races', { databases: databases.filter((kind) => kind === 'postgres'), accounts: [clerk, secondClerk], clients: everyClient, edit: withSettingUrl }, (at) => {
  let nodes;
  let desks;
  before(async () => {
    nodes = [at.provider, await at.provider.twin()];
    desks = [await signIn(new Visitor(), at.provider, clerk), await signIn(new Visitor(), at.provider, secondClerk)];
  });
  const rows = (sql) => at.provider.database.rows(sql);
  const count = async (sql) => Number((await rows(`SELECT count(*) AS n FROM ${sql}`))[0].n);
  /** What a page has ready, sent to one of the two processes. */
  const send = (visitor, sent, node) => visitor.send(String(sent.url).replace(at.provider.origin, node.origin), { ...sent, headers: { ...sent.headers, origin: node.origin } });
  /** Everything at once, turn and turn about at both. */
  const atOnce = (sent) => Promise.all(sent.map(([visitor, one], n) => send(visitor, one, nodes[n % 2])));
  const statuses = (answers) => answers.map(({ status }) => status).sort();

  /** What an action leaves behind, as numbers. */
  const traces = async () => {
    const counts = { used: 'one_time WHERE consumed_at IS NOT NULL', ended: 'one_time WHERE revoked_at IS NOT NULL', audit: 'audit', mails: 'outbox', applications: 'applications', versions: 'submissions', moves: 'account_moves' };
    const found = await at.provider.database.several(Object.fromEntries(Object.entries(counts).map(([name, table]) => [name, `SELECT count(*) AS n FROM ${table}`])));
    return Object.fromEntries(Object.entries(found).map(([name, [{ n }]]) => [name, Number(n)]));
  };
  const since = (before, after) => Object.fromEntries(Object.entries(after).map(([name, n]) => [name, n - before[name]]));

  const few = 2;
  for (const kind of kinds) {
    it(`${few} × two browsers finishing one link (${kind.purpose}): it leaves behind what one leaves, and the other is told`, async () => {
      const alone = await kind.make(at.provider, desks[0]);
      const visitor = await new Visitor().visit(alone.link);
      await kind.ready(visitor);
      let before = await traces();
      await visitor.press(kind.last);
      await expectPage(visitor, kind.done);
      const once = since(before, await traces());
      assert.equal(once.used, 1, 'the link is used up');
      for (let round = 0; round < few; round += 1) {
        const { link, mail } = await kind.make(at.provider, desks[0]);
        const sent = [];
        for (const which of [0, 1]) {
          const one = await new Visitor().visit(link);
          await expectPage(one, kind.first);
          await kind.ready(one, which);
          sent.push([one, one.submission(kind.last)]);
        }
        before = await traces();
        const answers = await atOnce(sent);
        const won = answers.filter(({ status }) => status === 303);
        assert.ok(answers.every((answer) => won.includes(answer) || [409, 410].includes(answer.status)), statuses(answers).join());
        // of a form that both look at, the second pressing of the button is told what the first one's was
        if (kind.done === 'reception') assert.ok(won.length >= 1 && new Set(won.map(({ location }) => new URL(location).pathname)).size === 1, statuses(answers).join());
        else assert.equal(won.length, 1, statuses(answers).join());
        assert.deepEqual(since(before, await traces()), once, 'as if there had been one');
        if (kind.last !== 'set') continue;
        const winner = answers.findIndex(({ status }) => status === 303);
        for (const [which, passwords] of chosen.entries()) {
          const login = await new Visitor().visit(`${at.provider.issuer()}/login`);
          await logIn(login, { login_id: mail, ...passwords });
          await expectPage(login, which === winner ? 'top' : 'login');
        }
      }
    });
  }

  it(`${rounds} × two first logins setting passwords: one account, one set of passwords, one mail`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const person = await somebody(at.provider, { password: undefined, second_password: undefined, initial_password: 'Hajimete2024x' });
      const visitor = await new Visitor().visit(`${at.provider.issuer()}/login`);
      await logIn(visitor, { login_id: person.login_id, password: 'Hajimete2024x', second_password: '' });
      await expectPage(visitor, 'password-setting');
      const sent = ['Ichiban', 'Niban'].map((name) => [visitor, visitor.submission('set', { password: `${name}2025sakura`, password_confirm: `${name}2025sakura`, second_password: `${name}77momiji`, second_password_confirm: `${name}77momiji` })]);
      assert.deepEqual(statuses(await atOnce(sent)), [303, 409]);
      const owned = `accounts a ON a.tenant = l.tenant AND a.id = l.subject WHERE a.email = '${person.email}'`;
      assert.equal(await count(`audit l JOIN ${owned} AND l.action = 'credentials_set'`), 1);
      await at.provider.mail.wait(person.email);
      assert.equal(await count(`outbox WHERE to_address = '${person.email}'`), 1);
    }
  });

  it(`${rounds} × two people moving to one mail address: one has it, the other is told, and both can still log in`, async () => {
    const change = kinds.find(({ purpose }) => purpose === 'mail_change');
    for (let round = 0; round < rounds; round += 1) {
      const to = newAddress('wanted');
      const made = [await change.make(at.provider, desks[0], { to }), await change.make(at.provider, desks[0], { to })];
      await at.provider.mail.wait(to, 2);
      const links = at.provider.mail.to(to).flatMap((message) => message.links.filter((link) => link.includes(change.part)));
      assert.equal(new Set(links).size, 2);
      const sent = [];
      for (const link of links) {
        const visitor = await new Visitor().visit(link);
        await expectPage(visitor, 'confirm-link');
        sent.push([visitor, visitor.submission('confirm')]);
      }
      const answers = await atOnce(sent);
      assert.deepEqual(statuses(answers), [303, 409]);
      const owners = await rows(`SELECT login_id FROM accounts WHERE email = '${to}'`);
      assert.equal(owners.length, 1);
      const left = await rows(`SELECT email FROM accounts WHERE email IN ('${made[0].person.email}', '${made[1].person.email}')`);
      assert.equal(left.length, 1, 'the other one stays where it was');
      for (const login of [owners[0].login_id, left[0].email]) {
        const visitor = await new Visitor().visit(`${at.provider.issuer()}/login`);
        await expectPage(await logIn(visitor, { ...made[0].person, login_id: login }), 'top');
      }
    }
  });

  it(`${rounds} × two presses of Application on two processes: one application, one receipt`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const visitor = new Visitor();
      const mail = await reachForm(visitor, at.provider);
      await fillForm(visitor);
      await visitor.press('check');
      const sent = visitor.submission('submit');
      const answers = await atOnce([[visitor, sent], [visitor, sent], [visitor, sent], [visitor, sent]]);
      assert.ok(answers.every(({ status }) => [303, 409].includes(status)), statuses(answers).join());
      assert.equal(await count(`applications WHERE email = '${mail}'`), 1);
      assert.equal(await count(`audit l JOIN applications p ON p.tenant = l.tenant AND p.id = l.subject WHERE p.email = '${mail}' AND l.action = 'application_submitted'`), 1);
      assert.equal(await count(`outbox WHERE to_address = '${mail}'`), 2, 'the link and the receipt');
    }
  });

  it(`${rounds} × an approval, a rejection and a request for correction by two clerks: one decision, one mail, one account or none`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { mail, reference } = await apply(new Visitor(), at.provider);
      const sent = [];
      for (const [n, [verdict, more]] of [['approve', { account: 'new' }], ['reject', { reason: '確認できません。' }], ['approve', { account: 'new' }], ['resubmit', { reason: '直してください。', question_street: 'on', note_street: '番地まで' }]].entries()) {
        const view = new Visitor();
        view.jar = desks[n % 2].jar;
        await openApplication(view, at.provider, reference);
        sent.push([view, view.submission(verdict, more)]);
      }
      const answers = await atOnce(sent);
      assert.equal(answers.filter(({ status }) => status === 303).length, 1, statuses(answers).join());
      assert.ok(answers.every(({ status }) => [303, 409].includes(status)), statuses(answers).join());
      const [{ id, state }] = await rows(`SELECT id, state FROM applications WHERE reference = '${reference}'`);
      const decisions = await rows(`SELECT verdict FROM decisions WHERE application = '${id}'`);
      assert.equal(decisions.length, 1);
      assert.equal({ approve: 'approved', reject: 'rejected', request_correction: 'correction_requested' }[decisions[0].verdict], state);
      assert.equal(await count(`accounts WHERE email = '${mail}'`), state === 'approved' ? 1 : 0);
      assert.equal(await count(`outbox WHERE to_address = '${mail}'`), 3, 'the link, the receipt and one result');
    }
  });

  it(`${rounds} × two approvals and a withdrawal: the student ID is added, or the application is withdrawn, and never both`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const person = await somebody(at.provider);
      const owner = await signIn(new Visitor(), at.provider, person);
      const number = `8TE${String(process.pid % 100).padStart(2, '0')}${String(round).padStart(3, '0')}`;
      const reference = await addStudentId(owner, at.provider, person, number);
      const sent = [];
      for (const desk of desks) {
        const view = new Visitor();
        view.jar = desk.jar;
        await openApplication(view, at.provider, reference);
        sent.push([view, view.submission('approve')]);
      }
      await owner.visit(`${at.provider.issuer()}/account/applications/${reference}/withdraw`);
      sent.splice(round % 3, 0, [owner, owner.submission('withdraw')]);
      const answers = await atOnce(sent);
      const won = answers.filter(({ status }) => status === 200 || status === 303);
      assert.ok(answers.every((answer) => won.includes(answer) || [404, 409].includes(answer.status)), statuses(answers).join());
      const [{ id, state }] = await rows(`SELECT id, state FROM applications WHERE reference = '${reference}'`);
      const added = await count(`enrolments WHERE student_id = '${number}'`);
      const decisions = await count(`decisions WHERE application = '${id}'`);
      assert.deepEqual([added, decisions], state === 'approved' ? [1, 1] : [0, 0], `${state}: ${statuses(answers).join()}`);
      assert.ok(['approved', 'withdrawn'].includes(state), state);
      assert.equal(won.length, 1, `${state}: ${statuses(answers).join()}`);
    }
  });

  it(`${rounds} × a correction handed in while the same version is decided on: the decision is of one version, and what was handed in waits`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { mail, reference } = await apply(new Visitor(), at.provider);
      const view = new Visitor();
      view.jar = desks[0].jar;
      await openApplication(view, at.provider, reference);
      await decide(view, 'resubmit', { reason: '番地まで', items: { street: '番地まで' } });
      const visitor = new Visitor();
      await openResubmission(visitor, await at.provider.mail.wait(mail, 3));
      await visitor.fill({ street: `千代田${round + 1}-2-3` });
      await visitor.press('check');
      await expectPage(visitor, 'check');
      const submit = visitor.submission('submit');
      const answers = await atOnce([[visitor, submit], [visitor, submit]]);
      assert.ok(answers.every(({ status }) => [303, 409].includes(status)));
      const [{ id, state, version }] = await rows(`SELECT id, state, version FROM applications WHERE reference = '${reference}'`);
      assert.deepEqual([state, Number(version)], ['submitted', 2], 'one new version');
      assert.equal(await count(`decisions WHERE application = '${id}'`), 1);
    }
  });

  it(`${rounds} × four refreshes with one token: one live branch at most, and the family is dead`, async () => {
    const person = await somebody(at.provider);
    const visitor = await signedIn(at.provider, person);
    for (let round = 0; round < rounds; round += 1) {
      const held = await tokens(visitor, at.provider, clients.first);
      const answers = await Promise.all([0, 1, 2, 3].map((n) => refresh({ issuer: nodes[n % 2].issuer.bind(nodes[n % 2]) }, clients.first, held.refresh_token)));
      const good = answers.filter(({ status }) => status === 200);
      assert.ok(good.length <= 1, statuses(answers).join());
      assert.ok(answers.every(({ status }) => [200, 400].includes(status)), statuses(answers).join());
      for (const { json } of good) assert.equal((await refresh(at.provider, clients.first, json.refresh_token)).json.error, 'invalid_grant', 'a token that came twice ends the family');
    }
  });

  it(`${rounds} × four redemptions of one code: one set of tokens at most`, async () => {
    const person = await somebody(at.provider);
    const visitor = await signedIn(at.provider, person);
    for (let round = 0; round < rounds; round += 1) {
      const granted = await code(visitor, at.provider, clients.first);
      const answers = await Promise.all([0, 1, 2, 3].map((n) => redeem({ issuer: nodes[n % 2].issuer.bind(nodes[n % 2]) }, clients.first, granted)));
      assert.ok(answers.filter(({ status }) => status === 200).length <= 1, statuses(answers).join());
      assert.ok(answers.every(({ status }) => [200, 400].includes(status)), statuses(answers).join());
    }
  });

  it('a session, a form and a parked request of one process are good at the other', async () => {
    const person = await somebody(at.provider);
    const visitor = await new Visitor().visit(`${nodes[1].origin}/t/certificate/login`);
    await visitor.fill({ login_id: person.login_id, password: person.password, second_password: person.second_password });
    const sent = visitor.submission('login');
    const answer = await visitor.send(String(sent.url).replace(nodes[1].origin, nodes[0].origin), { ...sent, headers: { ...sent.headers, origin: nodes[0].origin } });
    assert.equal(answer.status, 303);
    for (const node of nodes) {
      await visitor.visit(`${node.origin}/t/certificate/account`);
      await expectPage(visitor, 'account');
    }
  });
});
