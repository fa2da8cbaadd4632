// The certificate manual page by page, in Chromium: what each screen shows, and its rules. Each database speaks one of the
// two languages, one with scripts, the other without.

import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import {
  acceptedMail, agree, apply, askForRegistration, confirmMessage, decide, expectPage, fillForm, logIn, openApplication, reachForm,
  receptionReference, registrationLink, setPasswords, signIn,
} from '../support/journey.js';
import { answers, clerk, graduate, licence, newAddress } from '../support/people.js';
import { Provider } from '../support/provider.js';
import { everybody, inBothLanguages } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

browserForThisFile();

const days = (n) => n * 86_400;
const own = { password: 'Manyuaru2024x', second_password: 'Tebiki77betsu' };

for (const kind of databases) {
  describe(`the certificate manual (${kind})`, () => {
    let provider;
    before(async () => {
      provider = await Provider.prepare({ database: kind, clock: true });
      await provider.createAccount(everybody);
      await provider.start();
    }, { timeout: 120_000 });
    after(async () => { await provider?.end(); });

    const page = (path) => `${provider.issuer()}${path}`;
    const withBrowser = async (options, use) => {
      const visitor = await ChromiumVisitor.open(options);
      try {
        await use(visitor);
        assert.deepEqual(visitor.complaints, [], 'no script error, no breach of the content security policy');
        assert.deepEqual(visitor.foreign, []);
      } finally {
        await visitor.close();
      }
    };
    const words = (language, ja, en) => (language === 'ja' ? ja : en);
    /** Labels of the page's inputs by name. */
    const labelled = async (visitor, name) => visitor.view.locator(`[name="${name}"]`).first().evaluate((input) => input.labels?.[0]?.textContent.trim() ?? input.closest('fieldset')?.querySelector('legend')?.textContent.trim() ?? '');
    /** An applicant, approved by the clerk, without a browser: the mail's address and initial password. */
    const approved = async (language) => {
      const { mail, reference } = await apply(new Visitor({ language }), provider);
      const desk = await signIn(new Visitor(), provider, clerk);
      await openApplication(desk, provider, reference);
      await decide(desk, 'approve');
      const message = await provider.mail.wait(mail, 3);
      return { mail, message, ...acceptedMail(message) };
    };

    inBothLanguages('C-LOGIN-1: mail address, password, second password, the way for who forgot, notes, Login, and new registration', { kind }, async (language, javascript) => {
      await withBrowser({ language, javascript }, async (visitor) => {
        await visitor.visit(page('/login'));
        for (const [name, say] of [['login_id', words(language, /メールアドレス/, /mail/i)], ['password', words(language, /パスワード/, /password/i)], ['second_password', words(language, /第2|第二|2つ目/, /second/i)]]) {
          assert.match(await labelled(visitor, name), say, name);
        }
        for (const selector of ['a#forgot', 'a#register', 'button#login', 'select[name=lang]']) assert.ok(await visitor.view.locator(selector).isVisible(), selector);
        const notes = await visitor.view.locator('.notes li').allTextContents();
        assert.ok(notes.length >= 4, notes.join());
        for (const say of [words(language, /ブラウザ/, /browser/i), /30/, words(language, /変更|変え/, /change/i), words(language, /保存|記憶/, /store|save/i)]) assert.ok(notes.some((note) => say.test(note)), `${say} in ${notes.join()}`);
        await visitor.click('#forgot');
        await expectPage(visitor, 'forgot');
        await visitor.visit(page('/login'));
        await visitor.click('#register');
        await expectPage(visitor, 'register');
      });
    });

    inBothLanguages('C-LANG-1: the language chosen at the pull-down holds on all following pages and in the mails, and at the top page too', { kind }, async (language, javascript) => {
      const other = language === 'ja' ? 'en' : 'ja';
      await withBrowser({ language: other, javascript }, async (visitor) => {
        const mail = newAddress(`lang${language}`);
        await visitor.visit(page('/register'));
        assert.equal(await visitor.attribute('html', 'lang'), other);
        await visitor.fill({ mail, mail_confirm: mail, lang: language });
        await visitor.press('switch_lang');
        assert.equal(await visitor.value('mail'), mail, 'what was typed is kept');
        await visitor.press('check');
        assert.equal(await visitor.attribute('html', 'lang'), language);
        const message = await provider.mail.wait(mail);
        assert.equal(/[ぁ-ん]{3}/.test(message.text.split('\n').slice(0, 6).join('')), language === 'ja');
        await visitor.visit(await registrationLink(provider, mail));
        assert.equal(await visitor.attribute('html', 'lang'), language);
        await visitor.visit(page('/login'));
        assert.equal(await visitor.attribute('html', 'lang'), language);
        await logIn(visitor, graduate);
        await expectPage(visitor, 'top');
        assert.equal(await visitor.attribute('html', 'lang'), language);
        await visitor.fill({ lang: other });
        await visitor.press('switch_lang');
        await expectPage(visitor, 'top');
        assert.equal(await visitor.attribute('html', 'lang'), other);
        await visitor.visit(`${page('/login')}?ui_locales=${language}&reason=again`);
        assert.equal(await visitor.attribute('html', 'lang'), language, 'ui_locales wins');
      });
    });

    inBothLanguages('C-REG-1, C-REG-2, C-REG-3, C-REG-4: mail address twice with what to check, the same page for every address, a URL with its time limit, terms with their version', { kind }, async (language, javascript) => {
      await withBrowser({ language, javascript }, async (visitor) => {
        const mail = newAddress(`reg${language}`);
        await visitor.visit(page('/register'));
        for (const selector of ['#mail', '#mail_confirm', '#check', '#back']) assert.ok(await visitor.view.locator(selector).isVisible(), selector);
        await visitor.view.locator('.notes details summary').click();
        assert.equal(await visitor.view.locator('.notes details li').count(), 4, 'four things to check');
        assert.match(await visitor.text('.notes'), /30/);
        await visitor.press('back');
        await expectPage(visitor, ['home', 'login']);
        await visitor.visit(page('/register'));
        await askForRegistration(visitor, mail);
        await expectPage(visitor, 'register-sent');
        const shown = (await visitor.text('main')).replaceAll(mail, 'ADDRESS');
        await visitor.visit(page('/register'));
        await askForRegistration(visitor, graduate.email);
        assert.equal((await visitor.text('main')).replaceAll(graduate.email, 'ADDRESS'), shown, 'the same for an address that has an account');
        const message = await provider.mail.wait(mail);
        assert.match(message.text, words(language, /\d{4}年\d{1,2}月\d{1,2}日/, /\d{1,2} \w+ \d{4}/), 'until when');
        const link = await registrationLink(provider, mail);
        await visitor.visit(link.replace(/.{6}$/, 'AAAAAA'));
        await expectPage(visitor, 'link-problem');
        assert.ok(await visitor.view.locator('main a[href$="/register"]').first().isVisible(), 'and how to start again');
        for (let n = 0; n < 2; n += 1) {
          await visitor.visit(link);
          await expectPage(visitor, 'terms', 'opening it consumes nothing');
        }
        assert.match(await visitor.text('#terms'), /\d{4}-\d{2}-\d{2}/, 'the version');
        await visitor.press('agree');
        assert.ok(await visitor.view.locator('#error-summary').isVisible(), 'nobody goes on without agreeing');
        await agree(visitor);
        await expectPage(visitor, 'form');
        const [{ terms_version: version, terms_at: when }] = await provider.database.rows(`SELECT terms_version, terms_at FROM drafts WHERE email = '${mail}'`);
        assert.match(version, /^\d{4}-\d{2}-\d{2}$/);
        assert.ok(Number(when) > 1_600_000_000);
      });
    });

    inBothLanguages('C-REG-5, C-REG-6, C-REG-7, C-REG-8, C-REG-9, C-REG-11: every item of the form with its label, required or not, and none that is required can be skipped', { kind }, async (language, javascript) => {
      await withBrowser({ language, javascript }, async (visitor) => {
        const mail = await reachForm(visitor, provider);
        const items = {
          application: ['application_type'],
          applicant: ['name', 'name_kana', 'birth_date_year', 'birth_date_month', 'birth_date_day'],
          university: ['school_name', 'school_name_kana', 'school_name_roman', 'affiliation_1', 'affiliation_2', 'affiliation_3', 'degree_program', 'student_id', 'matriculation_year', 'matriculation_month', 'graduation_year', 'graduation_month', 'outcome'],
          address: ['postal_code', 'prefecture', 'city', 'street', 'building', 'phone', 'cell_phone'],
          purpose: ['intended_use', 'submission_place'],
          employer: ['employer_name', 'employer_postal_code', 'employer_prefecture', 'employer_city', 'employer_street', 'employer_building', 'employer_phone'],
          identification: ['document_type', 'document_front', 'document_back', 'remarks'],
        };
        const fields = await visitor.fields();
        for (const [section, names] of Object.entries(items)) {
          assert.ok(await visitor.exists(`#section-${section}`), section);
          for (const name of names) {
            assert.ok(fields.includes(name), name);
            assert.notEqual(await labelled(visitor, name), '', `${name} has a label`);
          }
        }
        assert.deepEqual(await visitor.choices('application_type'), ['new', 'reapplication']);
        assert.equal((await visitor.choices('degree_program')).length, 6);
        assert.equal((await visitor.choices('outcome')).length, 2);
        assert.ok((await visitor.choices('document_type')).length >= 4);
        assert.match(await visitor.attribute('[name=document_front]', 'accept'), /image\/jpeg/);
        assert.ok((await visitor.text('main')).includes(mail), 'the confirmed address, fixed');
        assert.equal(await visitor.exists('input[name=mail]:not([type=hidden]):not([readonly])'), false);

        // what must be covered is said beside the document that it is about; with scripts, when that one is chosen
        const notice = visitor.view.locator('.choice__notice[data-value=insurance_card]');
        assert.equal(await notice.isVisible(), !javascript);
        await visitor.fill({ document_type: 'insurance_card' });
        await notice.waitFor({ state: 'visible' });
        assert.match(await notice.textContent(), words(language, /保険者番号、記号・番号、QRコードを、紙などで隠して/, /Cover the insurer number, the symbol and number.*, and the QR code/));

        // nothing typed: each required item is named, marked, and said in the summary
        await visitor.press('check');
        await expectPage(visitor, 'form');
        assert.equal(visitor.status, 422);
        const said = await visitor.view.locator('#error-summary a').count();
        assert.ok(said >= 15, `${said} items`);
        assert.equal(await visitor.exists('[name=student_id][aria-invalid=true]'), false, 'optional ones are not asked for');
        for (const name of ['name', 'name_kana', 'school_name', 'city', 'document_front']) assert.equal(await visitor.attribute(`[name="${name}"]`, 'aria-invalid'), 'true', name);

        // one of several selections narrows the next; a PDF that calls itself an image is none
        await fillForm(visitor, {}, { document_front: { name: 'a.jpg', type: 'image/jpeg', bytes: Buffer.from('%PDF-1.7 no image') } });
        await visitor.press('check');
        assert.equal(visitor.status, 422);
        assert.equal(await visitor.view.locator('#error-summary a').count(), 1, 'only the image is wrong now');
        await visitor.fill({ document_front: licence() });
        await visitor.press('check');
        await expectPage(visitor, 'check');
        for (const value of [answers.name, answers.student_id, answers.intended_use]) assert.ok((await visitor.text('main')).includes(value), value);
      });
    });

    inBothLanguages('C-REG-10: the check page shows everything, Back loses nothing, Application hands in once and says what comes next', { kind }, async (language, javascript) => {
      await withBrowser({ language, javascript }, async (visitor) => {
        const mail = await reachForm(visitor, provider);
        await fillForm(visitor, { building: '見本荘 5' });
        await visitor.press('check');
        await expectPage(visitor, 'check');
        const picture = () => visitor.view.locator('img[src*="/register/document/"]').first().evaluate((image) => image.naturalWidth);
        assert.ok((await picture()) > 0);
        await visitor.press('back');
        await expectPage(visitor, 'form');
        assert.equal(await visitor.value('building'), '見本荘 5');
        assert.ok((await picture()) > 0, 'nor is the picture lost');
        await visitor.press('check');
        await expectPage(visitor, 'check');
        await Promise.all([visitor.view.waitForURL(/reception/), visitor.view.locator('#submit').dblclick()]);
        const reference = await receptionReference(visitor);
        assert.ok((await visitor.text('main')).includes(mail), 'where the result is sent');
        // the browser's own Back shows where the application stands
        await visitor.back('check', 'reception');
        if ((await visitor.page()) === 'check') {
          await visitor.press('submit');
          await expectPage(visitor, 'invalid-operation', 'the browser kept the page; it cannot be sent again');
          await visitor.press('ok');
        }
        assert.equal(await receptionReference(visitor), reference);
        const found = await provider.database.rows(`SELECT reference FROM applications WHERE email = '${mail}'`);
        assert.deepEqual(found.map((row) => row.reference), [reference]);
      });
    });

    inBothLanguages('C-RESULT-1: a rejection has its reason; the acceptance has the initial password, the URL to log in and the footer', { kind }, async (language, javascript) => {
      await withBrowser({ language, javascript }, async (visitor) => {
        const mail = await reachForm(visitor, provider);
        await fillForm(visitor);
        await visitor.press('check');
        await visitor.press('submit');
        const reference = await receptionReference(visitor);
        const desk = await signIn(new Visitor(), provider, clerk);
        await openApplication(desk, provider, reference);
        await decide(desk, 'reject', { reason: '写真の名前が読めません。The name cannot be read.' });
        const rejected = await provider.mail.wait(mail, 3);
        assert.match(rejected.text, /The name cannot be read\./);
        assert.match(rejected.text, new RegExp(reference));
        const { message, password, link } = await approved(language);
        assert.equal(/[ぁ-ん]{3}/.test(message.text.split('\n').slice(0, 6).join('')), language === 'ja');
        assert.ok(password.length >= 12);
        assert.equal(link, page('/login'));
        assert.match(message.text, words(language, /変更|設定/, /change|set/i));
        assert.match(message.text, words(language, /送信専用|返信/, /reply|send-only/i));
      });
    });

    inBothLanguages('C-LOGIN-2, C-PW-1, C-PW-2: the initial password opens the setting of own passwords and nothing else; each broken rule is named; once set it is dead', { kind }, async (language, javascript) => {
      const { mail, password } = await approved(language);
      await withBrowser({ language, javascript }, async (visitor) => {
        await visitor.visit(page('/account'));
        await logIn(visitor, { login_id: mail, password, second_password: '' });
        await expectPage(visitor, 'password-setting');
        for (const path of ['/account', '/', '/desk', '/register/form']) {
          await visitor.visit(page(path));
          assert.ok(!['account', 'top', 'desk-queue', 'form'].includes(await visitor.page()), `${path}: ${await visitor.describe()}`);
        }
        await visitor.visit(page('/password-setting'));
        const rules = await visitor.view.locator('.notes li').allTextContents();
        for (const say of [/8/, words(language, /大文字/, /upper-case/i), words(language, /小文字/, /lower-case/i), words(language, /数字/, /digit/i)]) assert.ok(rules.some((rule) => say.test(rule)), `${say} in ${rules.join()}`);
        for (const [first, second, say] of [
          ['Aa1', own.second_password, /8/], ['alllower2024', own.second_password, words(language, /大文字/, /upper/i)], ['ALLUPPER2024', own.second_password, words(language, /小文字/, /lower/i)],
          ['NoDigitsHere', own.second_password, words(language, /数字/, /digit/i)], ['With-hyphen2024', own.second_password, words(language, /英数字/, /letters and digits/i)],
          [own.password, own.password, words(language, /違う/, /differ|same/i)], [password, own.second_password, words(language, /初期パスワード/, /initial/i)],
        ]) {
          await setPasswords(visitor, { password: first, second_password: second });
          assert.equal(visitor.status, 422, first);
          assert.match(await visitor.text('#error-summary'), say);
          assert.equal(await visitor.value('password'), '', 'secrets are not shown again');
        }
        await setPasswords(visitor, own);
        await expectPage(visitor, 'message');
        await visitor.press('ok');
        await expectPage(visitor, 'top');
        await visitor.visit(page('/logout'));
        await visitor.press('logout');
        await visitor.visit(page('/login'));
        await logIn(visitor, { login_id: mail, password, second_password: '' });
        await expectPage(visitor, 'login', 'the initial password works once');
        const stored = await provider.database.rows(`SELECT c.phc FROM credentials c JOIN accounts a ON a.id = c.account AND a.tenant = c.tenant WHERE a.email = '${mail}'`);
        for (const { phc } of stored) assert.match(phc, /^\$argon2id\$/);
        assert.ok(!provider.log.includes(password));
      });
    });

    inBothLanguages('C-LOGIN-3: all three values are needed; whatever is wrong has one message at the top', { kind }, async (language, javascript) => {
      await withBrowser({ language, javascript }, async (visitor) => {
        const messages = new Set();
        for (const wrong of [{ password: 'Chigau2024x' }, { second_password: 'Chigau2024x' }, { second_password: '' }, { login_id: newAddress('nobody') }]) {
          await visitor.visit(page('/login'));
          await logIn(visitor, { ...graduate, ...wrong });
          await expectPage(visitor, 'login');
          assert.equal(visitor.status, 422);
          messages.add(await visitor.text('#error-summary'));
          assert.equal(await visitor.value('password'), '');
        }
        assert.equal(messages.size, 1, [...messages].join(' | '));
        await logIn(visitor, graduate);
        await expectPage(visitor, 'top');
      });
      await provider.must(['account', 'unlock', '--tenant', 'certificate', graduate.login_id]);
    });

    inBothLanguages('C-FORGOT-1: the same page for every address, a URL for thirty minutes, both passwords new and not the old ones, every session over', { kind }, async (language, javascript) => {
      const email = newAddress(`forgot${language}`);
      const person = { login_id: email, email, password: 'Mukashino2024x', second_password: 'Furuimono77x' };
      await provider.createAccount(person);
      const elsewhere = await signIn(new Visitor(), provider, person);
      await withBrowser({ language, javascript }, async (visitor) => {
        const ask = async (mail) => {
          await visitor.visit(page('/login'));
          await visitor.click('#forgot');
          await visitor.fill({ mail });
          await visitor.press('send');
          await expectPage(visitor, 'forgot-sent');
          return visitor.text('main');
        };
        assert.equal(await ask(newAddress('nobody')), await ask(email));
        const { links } = await provider.mail.wait(email);
        await visitor.visit(links.find((link) => link.includes('/forgot/link/')));
        await expectPage(visitor, 'forgot-reset');
        const set = async (password, second) => {
          await visitor.fill({ password, password_confirm: password, second_password: second, second_password_confirm: second });
          await visitor.press('set');
        };
        await set(person.password, person.second_password);
        assert.equal(visitor.status, 422, 'the old ones are not new');
        await set(own.password, own.second_password);
        await confirmMessage(visitor);
        await expectPage(visitor, 'login', 'nobody is logged in by it');
        await logIn(visitor, { login_id: email, ...own });
        await expectPage(visitor, 'top');
        await elsewhere.visit(page('/account'));
        await expectPage(elsewhere, 'login', 'other sessions are over');
      });
    });

    // moves the clock: last
    inBothLanguages('C-PW-2: an initial password that has expired opens nothing, and the page for who forgot mends it', { kind }, async (language, javascript) => {
      const { mail, password } = await approved(language);
      await provider.advance(days(7) + 10);
      await withBrowser({ language, javascript }, async (visitor) => {
        await visitor.visit(page('/login'));
        await logIn(visitor, { login_id: mail, password, second_password: '' });
        await expectPage(visitor, 'login');
        await visitor.click('#forgot');
        await visitor.fill({ mail });
        await visitor.press('send');
        await expectPage(visitor, 'forgot-sent');
        const { links } = await provider.mail.wait(mail, 4);
        await visitor.visit(links.find((link) => link.includes('/forgot/link/')));
        await expectPage(visitor, 'forgot-reset');
        await visitor.fill({ password: own.password, password_confirm: own.password, second_password: own.second_password, second_password_confirm: own.second_password });
        await visitor.press('set');
        await confirmMessage(visitor);
        await logIn(visitor, { login_id: mail, ...own });
        await expectPage(visitor, 'top');
      });
    });
  });
}
