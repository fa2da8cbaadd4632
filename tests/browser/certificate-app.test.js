// The certificate manual from end to end with the example app itself: from its start page, by registration, approval and
// first login, to a certificate that is ordered, and out again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, describe } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import { freePort, request, until } from '../support/http.js';
import {
  acceptedMail, agree, askForRegistration, confirmMessage, decide, expectPage, fillForm, logIn, openApplication, receptionReference,
  registrationLink, setPasswords, signIn,
} from '../support/journey.js';
import { clerk, newAddress } from '../support/people.js';
import { Provider, program } from '../support/provider.js';
import { inBothLanguages } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

browserForThisFile();

const secret = 'certificate-app-secret-0123456789';

for (const kind of databases) {
  describe(`the certificate app (${kind})`, () => {
    let provider;
    let app;
    before(async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      provider = await Provider.prepare({
        database: kind,
        edit: async ({ read, write }) => write('clients.toml', (await read('clients.toml')).replaceAll('http://localhost:8090', url)),
      });
      await provider.createAccount(clerk);
      await provider.registerClient({
        client_id: 'certificate-app', client_secret: secret, client_name: 'Certificate Issuance', redirect_uris: [`${url}/callback`], post_logout_redirect_uris: [`${url}/logged-out`],
        initiate_login_uri: `${url}/login`, client_uri: `${url}/`, token_endpoint_auth_method: 'client_secret_basic', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], first_party: true,
      });
      await provider.start();
      const child = spawn(path.join(path.dirname(program), 'certificate-app'), [], {
        env: { ...process.env, ISSUER: provider.issuer(), CLIENT_SECRET: secret, PUBLIC_URL: url, LISTEN: `127.0.0.1:${port}` }, stdio: ['ignore', 'ignore', 'pipe'],
      });
      app = { url, child, log: '' };
      child.stderr.on('data', (chunk) => { app.log += chunk; });
      await until('the app to answer', async () => (await request(`${url}/`)).status === 200);
    }, { timeout: 120_000 });
    after(async () => {
      app?.child.kill();
      await provider?.end();
    });

    inBothLanguages('C-LOGIN-2, C-REG-10, C-RESULT-1, C-MENU-2: from the app’s start page to a certificate that is ordered', { kind, timeout: 240_000 }, async (language, javascript) => {
      const person = await ChromiumVisitor.open({ language, javascript });
      const mail = newAddress(`app${language}`);
      const own = { login_id: mail, password: 'Shomeisho2024x', second_password: 'Sotsugyo77betsu' };
      try {
        await person.visit(app.url);
        await person.click('#login');
        await expectPage(person, 'login');
        assert.equal(await person.attribute('html', 'lang'), language);
        await person.click('#register');
        await askForRegistration(person, mail);
        await person.visit(await registrationLink(provider, mail));
        await agree(person);
        await fillForm(person);
        await person.press('check');
        await expectPage(person, 'check');
        await person.press('submit');
        const reference = await receptionReference(person);

        const desk = await signIn(new Visitor(), provider, clerk);
        await openApplication(desk, provider, reference);
        await decide(desk, 'approve');
        const { password, link } = acceptedMail(await provider.mail.wait(mail, 3));
        assert.ok(link.startsWith(`${app.url}/login`), link);

        await person.visit(link);
        await expectPage(person, 'login');
        await logIn(person, { login_id: mail, password, second_password: '' });
        await setPasswords(person, own);
        await confirmMessage(person);
        assert.ok((await person.url()).startsWith(app.url), `the request that was waiting goes on: ${await person.describe()}`);
        assert.match(await person.text('header'), /山田|YAMADA/);

        await person.visit(app.url);
        await person.click('#store');
        const copies = person.view.locator('input.copies').first();
        await copies.fill('2');
        await person.press('check');
        await person.press('submit');
        const order = await person.attribute('#reception [data-reference]', 'data-reference');
        assert.match(order, /\S/);
        await person.visit(app.url);
        assert.ok((await person.text('main')).includes(order), 'the order is listed');

        // the provider's own top page knows the way to the app as well
        await person.visit(`${provider.issuer()}/`);
        await expectPage(person, 'top');
        assert.ok((await person.text('main')).includes(reference), 'the application is there with its number');
        assert.ok((await person.view.locator(`main a[href^="${app.url}/login"]`).count()) >= 1, 'the tiles open the app');
        await person.view.locator(`main a[href^="${app.url}/login"]`).first().click();
        await person.view.waitForURL((url) => url.href.startsWith(app.url));

        await person.click('#logout');
        for (let step = 0; step < 3 && !(await person.exists('#logged_out')); step += 1) await person.press('logout');
        assert.ok(await person.exists('#logged_out'), await person.describe());
        await person.visit(`${provider.issuer()}/account`);
        await expectPage(person, 'login', 'logged out of both');
        assert.deepEqual(person.complaints, []);
        assert.deepEqual(person.foreign, []);
      } finally {
        await person.close();
      }
    });
  });
}
