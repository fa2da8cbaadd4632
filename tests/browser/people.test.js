// Who a person is known to be, and how that changes: further student ID numbers, own data, a lost mailbox. In Chromium, in
// both languages, with scripts and without.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import { acceptedMail, confirmMessage, decide, expectPage, logIn, openApplication, setPasswords, signIn } from '../support/journey.js';
import { clerk } from '../support/people.js';
import { addStudentId, approvedPerson, askForAnotherName, openProfile, passwords, reapply } from '../support/personal.js';
import { Provider } from '../support/provider.js';
import { RelyingParty } from '../support/relying-party.js';
import { everybody, ways } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

browserForThisFile();

for (const kind of databases) {
  describe(`people in Chromium (${kind})`, () => {
    let provider;
    let app;
    before(async () => {
      app = await RelyingParty.open();
      provider = await Provider.prepare({ database: kind, tenants: ['certificate', 'residence'] });
      await provider.createAccount(everybody);
      await provider.registerClient(app.metadata({ first_party: true, scope: undefined }));
      await provider.start();
      await app.use(provider.issuer());
    }, { timeout: 120_000 });
    after(async () => {
      await app?.close();
      await provider?.end();
    });
    const clerkAtDesk = () => signIn(new Visitor(), provider, clerk);
    let number = 0;
    const studentId = () => `${kind === 'sqlite' ? 7 : 8}TE${String((number += 1)).padStart(5, '0')}`;
    const open = async (language, javascript, person, tenant) => {
      const visitor = await ChromiumVisitor.open({ language, javascript });
      if (person) await signIn(visitor, provider, person, tenant);
      return visitor;
    };
    const name = (language, javascript) => `${language}, JavaScript ${javascript ? 'on' : 'off'}`;

    for (const [language, javascript] of ways(kind)) {
      it(`C-STUDENT-1, C-STUDENT-2: ${name(language, javascript)}: a second student ID number, and the choice that an app asks for`, { timeout: 240_000 }, async () => {
        const desk = await clerkAtDesk();
        const [one, two] = [studentId(), studentId()];
        const person = await approvedPerson(provider, desk, { changes: { student_id: one } });
        const visitor = await open(language, javascript, person);
        try {
          const reference = await addStudentId(visitor, provider, person, two);
          assert.equal(await visitor.attribute('html', 'lang'), language);
          // the top page shows it in progress
          await visitor.visit(`${provider.issuer()}/`);
          assert.ok((await visitor.text()).includes(reference), 'the application is on the top page');
          await visitor.visit(`${provider.issuer()}/account/student-id`);
          assert.equal(await visitor.exists('#send'), false, 'one at a time');

          await desk.visit(`${provider.issuer()}/desk?kind=enrolment`);
          await desk.click(`[data-reference="${reference}"] a`);
          assert.ok((await desk.text()).includes(person.email), 'whose it is');
          const before = provider.mail.to(person.email).length;
          await decide(desk, 'approve');
          const told = await provider.mail.wait(person.email, before + 1);
          assert.ok(told.text.includes(two), told.text);

          // an app that asks for one has the person choose
          app.scope = 'openid student_id';
          await visitor.visit(`${app.url}/login`);
          await expectPage(visitor, 'enrolment-choice');
          await visitor.press('choose');
          assert.equal(visitor.status, 422, 'a choice is needed');
          const text = await visitor.text('form');
          assert.ok(text.includes(one) && text.includes(two), text);
          const ids = await visitor.choices('enrolment');
          await visitor.fill({ enrolment: ids[1] });
          await visitor.press('choose');
          await expectPage(visitor, 'app');
          const { claims, user } = JSON.parse(await visitor.text('#claims'));
          assert.equal(claims.student_id, two, 'the ID token says which');
          assert.equal(user.student_id, two);

          // one that asks for all has them all
          app.scope = 'openid student_ids';
          await visitor.visit(`${app.url}/login`);
          await expectPage(visitor, 'app');
          assert.deepEqual(JSON.parse(await visitor.text('#claims')).user.student_ids, [one, two]);
          assert.deepEqual(visitor.complaints, []);
        } finally {
          await visitor.close();
        }
      });

      it(`C-SELF-1: ${name(language, javascript)}: free items change at once, reviewed ones after approval, and that is said before`, { timeout: 240_000 }, async () => {
        const desk = await clerkAtDesk();
        const person = await approvedPerson(provider, desk, { changes: { student_id: studentId() } });
        const visitor = await open(language, javascript, person);
        try {
          app.scope = 'openid profile address verification';
          const claims = async () => {
            await visitor.visit(`${app.url}/login`);
            await expectPage(visitor, 'app');
            return JSON.parse(await visitor.text('#claims')).user;
          };
          const known = await claims();
          assert.deepEqual(Object.keys(known.verified).sort(), ['birthdate', 'name#ja-Hani-JP', 'name#ja-Kana-JP']);
          assert.deepEqual(known.verified['name#ja-Hani-JP'].evidence, ['document']);

          await openProfile(visitor, provider);
          await visitor.press('check');
          assert.equal(visitor.status, 422, 'nothing changed');
          await visitor.fill({ street: '大手町9-9', employer_name: '窓口商事' });
          await visitor.press('check');
          await expectPage(visitor, 'check');
          const seen = await visitor.text('main');
          assert.ok(seen.includes('大手町9-9') && seen.includes('千代田1-1'), 'new beside old');
          assert.equal(await visitor.exists('[data-notice]'), false, 'no reviewed fact is touched');
          await visitor.press('submit');
          await confirmMessage(visitor);
          assert.equal((await claims()).address.street_address.split('\n')[0], '大手町9-9');

          // a reviewed fact wants a document and an approval
          await openProfile(visitor, provider);
          await visitor.fill({ name: '佐藤 太郎', name_kana: 'サトウ タロウ' });
          await visitor.press('check');
          assert.equal(visitor.status, 422, await visitor.describe());
          assert.equal(await visitor.value('name'), '佐藤 太郎', 'what was typed is kept');
          await askForAnotherName(visitor, provider);
          assert.equal(await visitor.count('[data-notice]'), 2, 'it is said that the facts count as verified no more');
          await visitor.press('submit');
          await expectPage(visitor, 'message');
          const reference = /[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}/.exec(await visitor.text('main'))[0];
          const waiting = await claims();
          assert.equal(waiting['name#ja-Hani-JP'], '山田 太郎', 'the old name is in force');
          assert.deepEqual(Object.keys(waiting.verified), ['birthdate']);

          await openApplication(desk, provider, reference);
          const row = desk.document.querySelectorAll('.compare__row').map((node) => node.text.replace(/\s+/g, ' ')).find((text) => text.includes('佐藤 太郎'));
          assert.match(row, /佐藤 太郎.*山田 太郎/, 'old and new side by side');
          await decide(desk, 'approve');
          const changed = await claims();
          assert.equal(changed.name, '佐藤 太郎');
          assert.deepEqual(Object.keys(changed.verified).sort(), ['birthdate', 'name', 'name#ja-Kana-JP']);
          assert.deepEqual(visitor.complaints, []);
        } finally {
          await visitor.close();
        }
      });

      it(`R-SELF-1: ${name(language, javascript)}: only what is filled in changes`, { timeout: 120_000 }, async () => {
        const resident = {
          login_id: `RZ0000${1000 + (number += 1)}`, email: `resident${kind}${number}@example.jp`, password: 'Residence2024x',
          claims: { name: 'GARCIA MARIA', birthdate: '1990-04-02' },
        };
        await provider.createAccount(resident, 'residence');
        const visitor = await open(language, javascript, resident, 'residence');
        try {
          await openProfile(visitor, provider, 'residence');
          await visitor.fill({ postal_code: '100-0001', prefecture: '東京都', city: '千代田区', street: '千代田1-1', phone: '03-1111-2222' });
          await visitor.press('check');
          await confirmMessage(visitor);
          await expectPage(visitor, 'account');
          assert.ok((await visitor.text('main')).includes('千代田1-1'));
          // one item alone
          await openProfile(visitor, provider, 'residence');
          assert.equal(await visitor.value('street'), '', 'the page asks for what is new');
          assert.ok((await visitor.text('form')).includes('千代田1-1'), 'and shows what stands');
          await visitor.fill({ phone: '12' });
          await visitor.press('check');
          assert.equal(visitor.status, 422);
          assert.equal(await visitor.value('phone'), '12');
          // a place is one item: no new prefecture beside the old city
          await visitor.fill({ phone: '', prefecture: '北海道' });
          await visitor.press('check');
          assert.equal(visitor.status, 422);
          for (const key of ['postal_code', 'city']) assert.equal(await visitor.attribute(`[name="${key}"]`, 'aria-invalid'), 'true', key);
          await visitor.fill({ prefecture: '', phone: '03-3333-4444' });
          await visitor.press('check');
          await confirmMessage(visitor);
          const now = await visitor.text('main');
          assert.ok(now.includes('03-3333-4444') && now.includes('千代田1-1'), now);
          assert.equal(provider.mail.to(resident.email).length, 0, 'no mail about it');
          // a new address is confirmed first
          const fresh = `new${resident.email}`;
          await openProfile(visitor, provider, 'residence');
          await visitor.fill({ mail: fresh, mail_confirm: `x${fresh}` });
          await visitor.press('check');
          assert.equal(visitor.status, 422);
          assert.equal(await visitor.value('mail'), fresh, 'what was typed is kept');
          await visitor.fill({ mail_confirm: fresh, building: '301' });
          await visitor.press('check');
          await confirmMessage(visitor);
          const asked = await visitor.text('main');
          assert.ok(asked.includes(resident.email) && asked.includes('301'), 'the rest changed, the address not yet');
          assert.ok((await provider.mail.wait(fresh, 1)).links.length > 0, 'the new address got a link');
          assert.deepEqual(visitor.complaints, []);
        } finally {
          await visitor.close();
        }
      });

      it(`C-REAPPLY-1: ${name(language, javascript)}: the clerk sees who it may be and why, the account moves, and a wrong match goes back`, { timeout: 240_000 }, async () => {
        const plain = await clerkAtDesk();
        const changes = { name: `引越 ${language}${javascript ? '' : 'x'}`, name_kana: 'ヒッコシ ハナコ', birth_date_year: String(1950 + (number += 1)), student_id: studentId() };
        const person = await approvedPerson(provider, plain, { changes });
        const visitor = await ChromiumVisitor.open({ language, javascript });
        const desk = await open(language, javascript, clerk);
        try {
          // the way to it stands where a lost password is asked about
          await visitor.visit(`${provider.issuer()}/forgot`);
          assert.ok(await visitor.exists('#register'), 'the recovery page leads to the reapplication');
          // who an app is told that it is, with which enrolments: by the account that is logged in
          app.scope = 'openid student_ids';
          const identity = async (from) => {
            await from.visit(`${app.url}/login`);
            await expectPage(from, 'app');
            const { claims, user } = JSON.parse(await from.text('#claims'));
            assert.equal(user.sub, claims.sub);
            return { sub: claims.sub, student_ids: user.student_ids };
          };
          const elsewhere = await open(language, javascript, person);
          const known = await identity(elsewhere);
          assert.deepEqual(known.student_ids, [changes.student_id]);
          const { mail, reference } = await reapply(visitor, provider, changes);

          await desk.visit(`${provider.issuer()}/desk?kind=reapplication`);
          await desk.click(`[data-reference="${reference}"] a`);
          const candidate = await desk.text('.duplicates');
          assert.ok(candidate.includes(person.email), candidate);
          const why = language === 'ja' ? ['氏名', 'カナ', '生年月日', '学籍番号'] : ['name', 'kana', 'date of birth', 'student ID number'];
          for (const word of why) assert.ok(candidate.includes(word), `${word} in ${candidate}`);
          const [account] = await desk.choices('account');
          await desk.fill({ account });
          await desk.press('approve');
          const { password } = acceptedMail(await provider.mail.wait(mail, 3));
          const old = await provider.mail.wait(person.email, 5);
          assert.match(old.text, new RegExp(reference), 'the old address is told');
          await elsewhere.visit(`${provider.issuer()}/account`);
          await expectPage(elsewhere, 'login', 'old sessions are over');
          await elsewhere.close();
          await visitor.visit(`${provider.issuer()}/login`);
          await logIn(visitor, person);
          await expectPage(visitor, 'login');
          await logIn(visitor, { login_id: mail, password, second_password: '' });
          await setPasswords(visitor, { password: 'Atarashii2024x', second_password: 'Betsuno77betsu' });
          await confirmMessage(visitor);
          await provider.mail.wait(mail, 4);
          assert.deepEqual(await identity(visitor), known, 'the same subject with the same enrolments at another address');

          // it was somebody else's account
          await desk.visit(`${provider.issuer()}/desk?state=approved&q=${reference}`);
          await desk.click(`[data-reference="${reference}"] a`);
          await desk.fill({ undo_reason: '別人でした。' });
          await desk.press('undo');
          await expectPage(desk, 'desk-queue');
          assert.ok(await desk.exists(`[data-reference="${reference}"]`), 'it waits again');
          await visitor.visit(`${provider.issuer()}/account`);
          await expectPage(visitor, 'login');
          await logIn(visitor, { login_id: mail, password: 'Atarashii2024x', second_password: 'Betsuno77betsu' });
          await expectPage(visitor, 'login');
          assert.match((await provider.mail.wait(mail, 5)).text, new RegExp(reference), 'the applicant is told');
          const back = acceptedMail(await provider.mail.wait(person.email, 6));
          await logIn(visitor, { login_id: person.email, password: back.password, second_password: '' });
          // what the owner had before is no new password either
          await setPasswords(visitor, { ...passwords, password: 'Modotta2024x' });
          assert.equal(await visitor.attribute('[name="second_password"]', 'aria-invalid'), 'true');
          await setPasswords(visitor, { password: 'Modotta2024x', second_password: 'Kaette88momiji' });
          await confirmMessage(visitor);
          assert.deepEqual(await identity(visitor), known, 'and again at the old one');
          assert.deepEqual(desk.complaints, []);
        } finally {
          await visitor.close();
          await desk.close();
        }
      });
    }
  });
}
