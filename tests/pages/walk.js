// Along all pages of the running program; calls `look` on each.

import { acceptedMail, agree, askForRegistration, decide, expectPage, fillForm, logIn, openApplication, registrationLink, setPasswords, signIn } from '../support/journey.js';
import { clerk, graduate, newAddress } from '../support/people.js';
import { authorization, clients, metadata } from '../support/protocol.js';
import { formBody } from '../support/http.js';

/**
 * @param visitor in Chromium, with JavaScript
 * @param {(name: string) => Promise<void>} look
 */
export async function walk(visitor, provider, look) {
  const at = provider.issuer();
  const authorizeUrl = async (client, changes) => `${(await metadata(provider)).authorization_endpoint}?${formBody(authorization(client, changes).parameters)}`;
  const mail = newAddress('walker');

  await visitor.visit(`${at}/`);
  await look('home');
  await visitor.visit(await authorizeUrl(clients.third));
  await look('login');
  await logIn(visitor, { ...graduate, password: 'Wrong2024x' });
  await look('login.error');
  await visitor.visit(`${at}/register`);
  await look('register');
  await visitor.press('check');
  await look('register.error');
  await askForRegistration(visitor, mail);
  await look('register-sent');
  const link = await registrationLink(provider, mail);
  await visitor.visit(link.replace(/.{4}$/, 'AAAA'));
  await look('link-problem');
  await visitor.visit(link);
  await look('terms');
  await visitor.press('agree');
  await look('terms.error');
  await agree(visitor);
  await look('form');
  await visitor.press('check');
  await look('form.error');
  await fillForm(visitor);
  await visitor.press('check');
  await expectPage(visitor, 'check');
  await look('check');
  await visitor.press('submit');
  await look('reception');
  const reference = await visitor.attribute('#reception [data-reference], #reception[data-reference]', 'data-reference');

  await signIn(visitor, provider, clerk);
  await visitor.visit(`${at}/desk`);
  await look('desk-queue');
  await openApplication(visitor, provider, reference);
  await look('desk-application');
  await decide(visitor, 'reject', { reason: '' });
  await look('desk-application.error');
  await decide(visitor, 'approve');
  await look('desk-decided');
  await visitor.visit(`${at}/logout`);
  await look('logout');
  await visitor.press('logout');
  await look('logged-out');

  const { password } = acceptedMail(await provider.mail.wait(mail, 3));
  await visitor.visit(`${at}/login`);
  await logIn(visitor, { login_id: mail, password, second_password: '' });
  await look('password-setting');
  await setPasswords(visitor, { password: 'short', second_password: 'short' });
  await look('password-setting.error');
  await setPasswords(visitor, { password: 'Sanpo2024sakura', second_password: 'Momiji77betsu' });
  await look('message');

  await visitor.context.clearCookies({ name: /session|duty/ });
  await signIn(visitor, provider, graduate);
  await look('top');
  await visitor.visit(`${at}/account`);
  await look('account');
  await visitor.visit(await authorizeUrl(clients.third, { prompt: 'consent' }));
  await look('consent');
  await visitor.visit(await authorizeUrl(clients.first, { redirect_uri: 'https://evil.example/' }));
  await look('error');
  await visitor.visit(`${at}/nowhere`);
  await look('not-found');
  await visitor.visit(`${provider.issuer('residence')}/`);
  await look('residence.home');
  await visitor.visit(`${provider.issuer('residence')}/login`);
  await look('residence.login');
  await visitor.visit(`${provider.issuer('residence')}/register`);
  await look('residence.register');
}
