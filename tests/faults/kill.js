// kill -9 at random moments while applications are handed in and corrected, approved, rejected and sent back, and passwords
// set: what was acknowledged is there, nothing is half there, and each decision sends one mail.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../support/http.js';
import { acceptedMail, expectPage, fillDecision, fillForm, logIn, openApplication, openResubmission, reachForm, signIn } from '../support/journey.js';
import { clerk, newAddress } from '../support/people.js';
import { Provider } from '../support/provider.js';
import { Visitor } from '../support/visitor.js';

const kills = Number(process.env.MADOGUCHI_TEST_KILLS ?? 50);

/** The same sequence every time for one seed, so that a failure can be looked for again. */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The test on one kind of database. */
export function killed(kind) {
  describe(`kill -9 (${kind})`, () => {
    let provider;
    const seed = Number(process.env.MADOGUCHI_TEST_SEED ?? Date.now() % 1_000_000);
    const random = dice(seed);
    before(async () => {
      provider = await Provider.prepare({ database: kind, clock: true });
      await provider.createAccount(clerk);
      await provider.start();
    }, { timeout: 60_000 });
    after(async () => {
      await provider?.end();
    });

    /** A POST whose answer may never come. */
    const press = async (visitor, button, extra) => {
      const sent = visitor.submission(button, extra);
      try {
        const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: provider.origin } });
        return answer;
      } catch {
        return undefined;
      }
    };
    const rows = (sql) => provider.database.rows(sql);
    const one = async (sql) => (await rows(sql))[0];

    const draft = async () => {
      const visitor = new Visitor();
      const mail = await reachForm(visitor, provider);
      await fillForm(visitor);
      await visitor.press('check');
      await expectPage(visitor, 'check');
      return { mail, visitor };
    };

    /** All of an application or nothing of it. */
    const submitted = async ({ mail, acknowledged }) => {
      const applications = await rows(`SELECT id, reference, version, state FROM applications WHERE email = '${mail}'`);
      const [{ n: drafts }] = await rows(`SELECT count(*) AS n FROM drafts WHERE email = '${mail}' AND submitted_at IS NOT NULL`);
      assert.ok(applications.length <= 1, `${mail}: ${applications.length} applications`);
      const there = applications.length === 1;
      if (acknowledged) assert.ok(there, `${mail}: acknowledged and lost (seed ${seed})`);
      assert.equal(Number(drafts) >= 1, there, `${mail}: draft and application disagree (seed ${seed})`);
      if (!there) return undefined;
      const [{ id, reference }] = applications;
      const { n: documents } = await one(`SELECT count(*) AS n FROM documents WHERE application = '${id}'`);
      const { n: audited } = await one(`SELECT count(*) AS n FROM audit WHERE action = 'application_submitted' AND subject = '${id}'`);
      assert.equal(Number(documents), 1, `${mail}: its picture`);
      assert.equal(Number(audited), 1, `${mail}: one audit event`);
      return { mail, id, reference };
    };

    const stateAfter = { approve: 'approved', reject: 'rejected', resubmit: 'correction_requested' };

    /** All of a decision or nothing of it. */
    const decided = async ({ mail, id, version, verdict, acknowledged }) => {
      const decisions = await rows(`SELECT version FROM decisions WHERE application = '${id}'`);
      const { state } = await one(`SELECT state FROM applications WHERE id = '${id}'`);
      const { n: accounts } = await one(`SELECT count(*) AS n FROM accounts WHERE email_key = '${mail}'`);
      const { n: audited } = await one(`SELECT count(*) AS n FROM audit WHERE action = 'application_decided' AND subject = '${id}'`);
      const { n: initial } = await one(`SELECT count(*) AS n FROM credentials c JOIN accounts a ON a.id = c.account AND a.tenant = c.tenant WHERE a.email_key = '${mail}' AND c.kind = 'initial'`);
      const { n: links } = await one(`SELECT count(*) AS n FROM one_time WHERE purpose = 'resubmission' AND subject = '${id}' AND consumed_at IS NULL AND revoked_at IS NULL`);
      const there = decisions.some((decision) => Number(decision.version) === version);
      if (acknowledged) assert.ok(there, `${mail}: decision acknowledged and lost (seed ${seed})`);
      const shape = [state, decisions.length, Number(audited), Number(accounts), Number(initial), Number(links)];
      const made = there && verdict === 'approve' ? 1 : 0;
      const decisionsNow = version - 1 + (there ? 1 : 0);
      const expected = [there ? stateAfter[verdict] : 'submitted', decisionsNow, decisionsNow, made, made, there && verdict === 'resubmit' ? 1 : 0];
      assert.deepEqual(shape, expected, `${mail}: half a decision (seed ${seed})`);
      return there;
    };

    /** All of a correction or nothing of it. */
    const corrected = async ({ mail, id, version, street, acknowledged }) => {
      const { state, version: stands, answers } = await one(`SELECT state, version, answers FROM applications WHERE id = '${id}'`);
      const { n: audited } = await one(`SELECT count(*) AS n FROM audit WHERE action = 'application_submitted' AND subject = '${id}'`);
      const { n: kept } = await one(`SELECT count(*) AS n FROM submissions WHERE application = '${id}'`);
      const { n: links } = await one(`SELECT count(*) AS n FROM one_time WHERE purpose = 'resubmission' AND subject = '${id}' AND consumed_at IS NULL AND revoked_at IS NULL`);
      const there = Number(stands) === version + 1;
      if (acknowledged) assert.ok(there, `${mail}: correction acknowledged and lost (seed ${seed})`);
      const shape = [state, Number(audited), Number(kept), answers.includes(street), Number(links)];
      const expected = there ? ['submitted', version + 1, version, true, 0] : ['correction_requested', version, version - 1, false, 1];
      assert.deepEqual(shape, expected, `${mail}: half a correction (seed ${seed})`);
      return there;
    };

    /** A page at which pressing a button decides. */
    const openDecision = async (desk, item) => {
      const view = new Visitor();
      view.jar = desk.jar;
      await openApplication(view, provider, item.reference);
      const dice = random();
      item.verdict = dice < 0.6 ? 'approve' : item.version === 1 && dice < 0.85 ? 'resubmit' : 'reject';
      await fillDecision(view, item.verdict === 'resubmit' ? { reason: '次を直してください。', items: { street: '番地まで' } } : {});
      return view;
    };

    /** A page at which pressing a button hands in the correction. */
    const openCorrection = async (item) => {
      const visitor = new Visitor();
      await openResubmission(visitor, await provider.mail.wait(item.mail, 3));
      item.street = `千代田${item.version}-${item.reference}`;
      await visitor.fill({ street: item.street });
      await visitor.press('check');
      await expectPage(visitor, 'check');
      return visitor;
    };

    const move = (item, from, to) => {
      from.splice(from.indexOf(item), 1);
      to?.push(item);
    };

    it(`${kills} kills while people submit and correct, a clerk decides and people set passwords`, { timeout: 900_000 }, async () => {
      const desk = await signIn(new Visitor(), provider, clerk);
      const drafts = [];
      const toDecide = [];
      const toCorrect = [];
      const toSet = [];
      const everybody = [];
      const counts = { submitted: 0, approve: 0, reject: 0, resubmit: 0, corrected: 0, set: 0, cut: 0 };
      for (let round = 0; round < kills; round += 1) {
        while (drafts.length < 2) drafts.push(await draft());
        // open what will be posted, so that only the acts themselves are under way when the program dies
        const acts = [];
        for (const item of drafts) acts.push({ what: 'submit', item, act: () => press(item.visitor, 'submit') });
        for (const item of toDecide.slice(0, 2)) {
          const view = await openDecision(desk, item);
          acts.push({ what: 'decide', item, act: () => press(view, item.verdict) });
        }
        for (const item of toCorrect.slice(0, 1)) {
          item.visitor = await openCorrection(item);
          acts.push({ what: 'correct', item, act: () => press(item.visitor, 'submit') });
        }
        for (const item of toSet.filter(({ mail, version }) => provider.mail.to(mail).length > 2 * version).slice(0, 2)) {
          const message = provider.mail.to(item.mail)[2 * item.version];
          item.initial = acceptedMail(message).password;
          const visitor = new Visitor();
          await visitor.visit(`${provider.issuer()}/login`);
          await logIn(visitor, { login_id: item.mail, password: item.initial, second_password: '' });
          await expectPage(visitor, 'password-setting');
          item.own = { login_id: item.mail, password: `Sakura${round}Hajime`, second_password: `Momiji${round}Betsuno` };
          await visitor.fill({ password: item.own.password, password_confirm: item.own.password, second_password: item.own.second_password, second_password_confirm: item.own.second_password });
          acts.push({ what: 'set', item, act: () => press(visitor, 'set') });
        }
        let answered = 0;
        const running = acts.map(async ({ what, item, act }) => {
          await new Promise((resolve) => setTimeout(resolve, random() * 30));
          const answer = await act();
          answered += 1;
          item.acknowledged = answer !== undefined && answer.status === 303;
          if (answer === undefined) counts.cut += 1;
          else assert.ok([303, 409, 503].includes(answer.status), `${what}: ${answer.status} ${answer.text.slice(0, 500)}`);
        });
        // between the first byte and the last answer: after so many answers, and a little more
        const wanted = Math.floor(random() * (acts.length + 1));
        await until('answers', () => answered >= wanted || provider.exit, { timeout: 20_000, every: 1 });
        await new Promise((resolve) => setTimeout(resolve, random() * 50));
        await provider.kill();
        await Promise.all(running);
        // mails that the dead program had taken in hand are free again after its lease
        await provider.advance(130);
        await provider.start();

        for (const { what, item } of acts) {
          if (what === 'submit') {
            let done = await submitted(item);
            if (!done) {
              // the applicant presses again, on the page that is still open
              const answer = await press(item.visitor, 'submit');
              assert.equal(answer?.status, 303, `a second press succeeds: ${answer?.status} ${answer?.text.slice(0, 300)}`);
              done = await submitted({ ...item, acknowledged: true });
            }
            counts.submitted += 1;
            done.version = 1;
            toDecide.push(done);
            everybody.push(done);
          } else if (what === 'decide') {
            if (await decided(item)) {
              move(item, toDecide, { approve: toSet, resubmit: toCorrect }[item.verdict]);
              counts[item.verdict] += 1;
            }
          } else if (what === 'correct') {
            if (!(await corrected(item))) {
              const answer = await press(item.visitor, 'submit');
              assert.equal(answer?.status, 303, `a second press succeeds: ${answer?.status} ${answer?.text.slice(0, 300)}`);
              await corrected({ ...item, acknowledged: true });
            }
            counts.corrected += 1;
            item.version += 1;
            move(item, toCorrect, toDecide);
          } else {
            const attempt = async (values) => {
              const visitor = new Visitor();
              await visitor.visit(`${provider.issuer()}/login`);
              await logIn(visitor, values);
              return visitor.page();
            };
            const own = await attempt(item.own);
            const initial = await attempt({ login_id: item.mail, password: item.initial, second_password: '' });
            if (item.acknowledged) assert.equal(own, 'top', `${item.mail}: passwords acknowledged and lost (seed ${seed})`);
            assert.deepEqual([own, initial], own === 'top' ? ['top', 'login'] : ['login', 'password-setting'], `${item.mail}: half set (seed ${seed})`);
            if (own === 'top') {
              move(item, toSet);
              counts.set += 1;
            }
          }
        }
        drafts.length = 0;
      }
      console.log(`# ${kind}: seed ${seed}, ${JSON.stringify(counts)}`);
      const decisions = counts.approve + counts.reject + counts.resubmit;
      assert.ok(counts.submitted >= kills && decisions >= kills / 2 && counts.set >= kills / 4, JSON.stringify(counts));
      assert.ok(counts.reject > 0 && counts.resubmit > 0 && counts.corrected > 0 || kills < 20, JSON.stringify(counts));
      assert.ok(counts.cut >= kills / 5, `the kills hit requests under way: ${counts.cut}`);

      for (const { mail, id } of everybody) {
        const { state, version } = await one(`SELECT state, version FROM applications WHERE id = '${id}'`);
        const { n: set } = await one(`SELECT count(*) AS n FROM credentials c JOIN accounts a ON a.id = c.account AND a.tenant = c.tenant WHERE a.email_key = '${mail}' AND c.kind = 'password'`);
        const { n: decisions } = await one(`SELECT count(*) AS n FROM decisions WHERE application = '${id}'`);
        // the link, a reception for each time it was handed in, a result for each decision
        const expected = 1 + Number(version) + Number(decisions);
        const written = Number((await one(`SELECT count(*) AS n FROM outbox WHERE to_address = '${mail}'`)).n);
        await until(`the mails to ${mail}`, () => provider.mail.to(mail).length >= Math.min(expected, written || expected));
        const mails = provider.mail.to(mail);
        const subjects = mails.map(({ subject }) => subject).join(' | ');
        const accepted = mails.filter(({ text }) => /初期パスワード/.test(text) && /[A-Za-z0-9]{12,}/.test(text));
        assert.equal(accepted.length, state === 'approved' ? 1 : 0, `${mail}: one result mail, ${subjects}`);
        const sentBack = mails.filter(({ links }) => links.some((link) => link.includes('/resubmit/link/')));
        assert.equal(sentBack.length, Number(version) - 1 + (state === 'correction_requested' ? 1 : 0), `${mail}: ${subjects}`);
        const own = Number(set) > 0 ? 1 : 0;
        assert.ok(mails.length === expected || mails.length === expected + own, `${mail}: ${subjects}`);
      }
      const integrity = kind === 'sqlite' ? await rows('PRAGMA integrity_check') : [{ integrity_check: 'ok' }];
      assert.deepEqual(integrity, [{ integrity_check: 'ok' }]);
    });
  });
}
