// The whole way in real Chromium: from an app, through an application that a clerk approves, back into the app.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import {
  acceptedMail, agree, askForRegistration, confirmMessage, decide, expectPage, fillForm, logIn, openApplication, openResubmission,
  receptionReference, registrationLink, setPasswords, signIn,
} from '../support/journey.js';
import { clerk, graduate, licence, newAddress } from '../support/people.js';
import { Provider } from '../support/provider.js';
import { RelyingParty } from '../support/relying-party.js';
import { everybody, ways } from '../support/suite.js';

browserForThisFile();

for (const kind of databases) {
  describe(`journey in Chromium (${kind})`, () => {
    let provider;
    let app;
    before(async () => {
      app = await RelyingParty.open();
      provider = await Provider.prepare({ database: kind });
      await provider.createAccount(everybody);
      await provider.registerClient(app.metadata({ first_party: true, scope: undefined }));
      await provider.start();
      await app.use(provider.issuer());
    }, { timeout: 120_000 });
    after(async () => {
      await app?.close();
      await provider?.end();
    });

    for (const [language, javascript] of ways(kind)) {
      it(`C-RESULT-1: ${language}, JavaScript ${javascript ? 'on' : 'off'}: app → registration → resubmission → approval → passwords → app → out → in → out`, { timeout: 240_000 }, async () => {
        const mail = newAddress(`${language}${javascript ? 'js' : 'nojs'}`);
        // the browser prefers the other language: what is asked for wins, and holds
        const person = await ChromiumVisitor.open({ language: language === 'ja' ? 'en' : 'ja', javascript });
        const desk = await ChromiumVisitor.open({ language: 'ja', javascript });
        const inLanguage = async () => assert.equal(await person.attribute('html', 'lang'), language, await person.describe());
        try {
          // the app sends the person away; Japanese is asked for by the app, English is chosen at the pull-down
          app.language = language === 'ja' ? 'ja' : undefined;
          app.scope = 'openid profile email student_ids';
          await person.visit(app.url);
          await person.click('#login');
          await expectPage(person, 'login');
          if (language === 'en') {
            await person.fill({ lang: 'en' });
            await person.press('switch_lang');
            await expectPage(person, 'login');
          }
          await inLanguage();

          // new registration
          await person.click('#register');
          await expectPage(person, 'register');
          await inLanguage();
          await askForRegistration(person, mail);
          await expectPage(person, 'register-sent');
          const link = await registrationLink(provider, mail);
          const first = provider.mail.to(mail)[0];
          assert.equal(/[ぁ-ん]{3}/.test(first.text.split('\n').slice(0, 6).join('')), language === 'ja', 'the mail is in the page’s language');
          await person.visit(link);
          await agree(person);
          await expectPage(person, 'form');
          await inLanguage();

          // the form, with a real JPEG
          await fillForm(person, { building: '旧住所ビル' });
          await person.press('check');
          await expectPage(person, 'check');
          const picture = await person.view.locator('img[src*="/register/document/"]').first().evaluate((image) => image.naturalWidth);
          assert.ok(picture > 0, 'the picture is shown on the check page');
          await person.press('back');
          await expectPage(person, 'form');
          assert.equal(await person.value('building'), '旧住所ビル');
          await person.press('check');
          await expectPage(person, 'check');
          await person.press('submit');
          const reference = await receptionReference(person);
          await person.view.reload();
          assert.equal(await receptionReference(person), reference, 'reloading submits nothing again');

          // the clerk asks for a resubmission
          await signIn(desk, provider, clerk);
          await openApplication(desk, provider, reference);
          const shown = await desk.view.locator('img[src*="/desk/documents/"]').first().evaluate((image) => image.naturalWidth);
          assert.ok(shown > 0, 'the clerk sees the picture');
          await decide(desk, 'resubmit', { reason: '住所と写真を直してください。', items: { street: '番地まで', document_front: '文字が読めません' } });
          const asked = await provider.mail.wait(mail, 3);
          assert.match(asked.text, /番地まで/);

          // corrected
          await openResubmission(person, asked);
          await inLanguage();
          assert.deepEqual(await person.view.locator('.note').evaluateAll((notes) => notes.map(({ id }) => id)), ['street-note', 'document_front-note'], 'what is questioned is marked, and nothing else');
          assert.match(await person.text('#street-note'), /番地まで/);
          assert.equal(await person.value('street'), '千代田1-1', 'filled in as it was');
          assert.match(await person.text('#application'), /旧住所ビル/, 'all the rest stands there');
          assert.equal(await person.exists('[name=building]:not([type=hidden])'), false, 'and stays');
          await person.fill({ street: '千代田1-1-1', document_front: licence() });
          await person.press('check');
          await expectPage(person, 'check');
          await person.press('submit');
          assert.equal(await receptionReference(person), reference);

          // approved
          await openApplication(desk, provider, reference);
          assert.match(await desk.text(), /千代田1-1-1/);
          await decide(desk, 'approve');
          const accepted = await provider.mail.wait(mail, 5);
          assert.equal(/[ぁ-ん]{3}/.test(accepted.text.split('\n').slice(0, 6).join('')), language === 'ja');
          const { password: initial, link: start } = acceptedMail(accepted);
          assert.ok(start.startsWith(`${app.url}/login`), `“Log in here” starts the app’s login: ${start}`);

          // first login: the mail's link, the initial password, own passwords, and on into the app
          await person.visit(start);
          await expectPage(person, 'login');
          await logIn(person, { login_id: mail, password: initial, second_password: '' });
          const own = { login_id: mail, password: 'Tabiji2024sakura', second_password: 'Momiji77betsu' };
          await setPasswords(person, own);
          await inLanguage();
          await confirmMessage(person);
          if ((await person.page()) === 'login') await logIn(person, own);
          await expectPage(person, 'app');
          const session = JSON.parse(await person.text('#claims'));
          assert.equal(session.claims.iss, provider.issuer());
          assert.equal(session.user.email, mail);
          assert.equal(session.user.email_verified, true);
          assert.deepEqual(session.user.student_ids, ['1TE09123']);
          assert.deepEqual(session.claims.amr, ['pwd']);
          const names = Object.entries(session.user).filter(([name]) => name.startsWith('name') || name.includes('family_name')).map(([, value]) => value).join();
          assert.match(names, /山田/);

          // out and in again with three values, to the same subject, and out
          await person.click('#logout');
          for (let step = 0; step < 3 && !(await person.exists('#goodbye')); step += 1) await person.press('logout');
          await person.visit(app.url);
          assert.ok(await person.exists('#nobody'));
          await person.click('#login');
          await expectPage(person, 'login');
          await logIn(person, { ...own, second_password: 'Chigau2024betsu' });
          await expectPage(person, 'login');
          assert.ok(await person.exists('#error-summary'));
          if (javascript) assert.ok(await person.view.evaluate(() => document.activeElement?.closest('#error-summary') !== null || document.activeElement?.id === 'error-summary'), 'the summary has the focus');
          await logIn(person, own);
          await expectPage(person, 'app');
          assert.equal(JSON.parse(await person.text('#claims')).claims.sub, session.claims.sub);
          await person.click('#logout');
          for (let step = 0; step < 3 && !(await person.exists('#goodbye')); step += 1) await person.press('logout');
          assert.ok(await person.exists('#goodbye'));

          assert.deepEqual(person.complaints, [], 'no script error, no breach of the content security policy');
          assert.deepEqual([...person.foreign, ...desk.foreign], [], 'nothing is fetched from elsewhere');
          assert.equal(provider.mail.to(mail).filter(({ subject }) => subject === accepted.subject).length, 1, 'one mail for the approval');
        } finally {
          await person.close();
          await desk.close();
        }
      });
    }

    it('Back after logging out shows nothing of the account', async () => {
      const person = await ChromiumVisitor.open({});
      await signIn(person, provider, graduate);
      await person.visit(`${provider.issuer()}/account`);
      await expectPage(person, 'account');
      await person.visit(`${provider.issuer()}/logout`);
      await person.press('logout');
      await person.view.goBack({ waitUntil: 'load' });
      await person.view.goBack({ waitUntil: 'load' });
      assert.notEqual(await person.page(), 'account');
      await person.close();
    });

    it('typed markup runs nowhere: not on the check page, not at the desk', async () => {
      const person = await ChromiumVisitor.open({});
      const alerts = [];
      const mail = newAddress('markup');
      await person.visit(`${provider.issuer()}/register`);
      await askForRegistration(person, mail);
      await person.visit(await registrationLink(provider, mail));
      await agree(person);
      const attack = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}';
      await fillForm(person, { building: attack, remarks: attack, intended_use: attack, school_name: attack });
      person.view.on('dialog', (dialog) => { alerts.push(dialog.message()); dialog.dismiss(); });
      await person.press('check');
      if ((await person.page()) === 'form') {
        await fillForm(person, { building: attack, remarks: attack });
        await person.press('check');
      }
      await expectPage(person, 'check');
      assert.match(await person.text(), /\{\{7\*7\}\}/);
      await person.press('submit');
      const reference = await receptionReference(person);
      const desk = await ChromiumVisitor.open({});
      desk.view.on('dialog', (dialog) => { alerts.push(dialog.message()); dialog.dismiss(); });
      await signIn(desk, provider, clerk);
      await openApplication(desk, provider, reference);
      assert.deepEqual(alerts, []);
      assert.deepEqual([...person.complaints, ...desk.complaints], []);
      await person.close();
      await desk.close();
    });

    it('a chosen picture is shown at once, the postal code fills the address, Enter in a field presses no wrong button', async () => {
      const person = await ChromiumVisitor.open({});
      const mail = newAddress('script');
      await person.visit(`${provider.issuer()}/register`);
      await askForRegistration(person, mail);
      await person.visit(await registrationLink(provider, mail));
      await agree(person);
      await person.fill({ document_front: licence() });
      await person.view.locator('img[src^="blob:"]').first().waitFor({ state: 'visible' });
      await person.fill({ postal_code: '060-0001' });
      await person.view.locator('#lookup').click();
      await person.view.waitForFunction(() => /札幌市/.test(document.querySelector('[name=city]').value));
      assert.equal(await person.value('prefecture'), '北海道');
      await expectPage(person, 'form');
      await person.close();
    });

    it('two presses of Application in a hurry submit once', async () => {
      const person = await ChromiumVisitor.open({});
      const mail = newAddress('double');
      await person.visit(`${provider.issuer()}/register`);
      await askForRegistration(person, mail);
      await person.visit(await registrationLink(provider, mail));
      await agree(person);
      await fillForm(person);
      await person.press('check');
      await expectPage(person, 'check');
      await Promise.all([person.view.waitForURL(/reception/), person.view.locator('#submit').dblclick()]);
      const reference = await receptionReference(person);
      const rows = await provider.database.rows(`SELECT reference FROM applications WHERE email = '${mail}'`);
      assert.deepEqual(rows.map((row) => row.reference), [reference]);
      await person.close();
    });
  });
}
