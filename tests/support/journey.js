// The steps that people take, written once for every kind of visitor (`visitor.js`, `chromium.js`).

import assert from 'node:assert/strict';
import { answers, credentials, licence, newAddress } from './people.js';

/** Says what page was expected and what came instead. */
export async function expectPage(visitor, name, why = '') {
  const page = await visitor.page();
  const names = Array.isArray(name) ? name : [name];
  if (!names.includes(page)) assert.fail(`expected the page ${names.join(' or ')}, but it is ${await visitor.describe()}${why && ` – ${why}`}`);
}

/** Fills in the login page and presses the button. */
export async function logIn(visitor, person) {
  const values = credentials(person);
  if (values.second_password === undefined || !(await visitor.exists('[name=second_password]'))) delete values.second_password;
  await visitor.fill(values);
  await visitor.press('login');
  return visitor;
}

/** From anywhere to being signed in at the provider. */
export async function signIn(visitor, provider, person, tenant = 'certificate') {
  await visitor.visit(`${provider.issuer(tenant)}/login`);
  await logIn(visitor, person);
  if ((await visitor.page()) === 'login') assert.fail(`could not log in: ${await visitor.describe()}`);
  return visitor;
}

/** *Mail address setting*: asks for the registration mail. */
export async function askForRegistration(visitor, mail) {
  await visitor.fill({ mail, mail_confirm: mail });
  await visitor.press('check');
  return visitor;
}

/** The link of the newest mail to this address that has one for registration. */
export async function registrationLink(provider, mail, count = 1) {
  const message = await provider.mail.wait(mail, count);
  const link = message.links.find((one) => one.includes('/register/link/'));
  assert.ok(link, `a registration link in:\n${message.text}`);
  return link;
}

/** Agrees to the terms. */
export async function agree(visitor) {
  await expectPage(visitor, 'terms');
  const [choice] = await visitor.choices('agree');
  await visitor.fill({ agree: choice });
  await visitor.press('agree');
  return visitor;
}

/** Fills in whatever the form asks for; `changes` wins over the usual answers, `undefined` leaves a field alone. */
export async function fillForm(visitor, changes = {}, files = { document_front: licence() }) {
  const wanted = { ...answers, ...changes };
  for (const { name, offered } of await visitor.controls()) {
    if (name === 'lang' || (name in wanted && wanted[name] === undefined)) continue;
    if (name in files) await visitor.fill({ [name]: files[name] });
    else if (offered && !name.startsWith('affiliation_')) {
      const value = offered.includes(wanted[name]) ? wanted[name] : offered[0];
      if (value !== undefined) await visitor.fill({ [name]: value });
    } else if (name in wanted) await visitor.fill({ [name]: wanted[name] });
  }
  await chooseAffiliation(visitor, changes);
  return visitor;
}

/** Three selections, each depending on the one before; without script the page shows the next one after a press. */
export async function chooseAffiliation(visitor, changes = {}) {
  for (const level of [1, 2, 3]) {
    const name = `affiliation_${level}`;
    if (!(await visitor.exists(`[name="${name}"]`))) return;
    let offered = await visitor.choices(name);
    if (offered.length === 0 && (await visitor.exists('#refresh'))) {
      await visitor.press('refresh');
      offered = await visitor.choices(name);
    }
    if (offered.length === 0) return;
    const value = offered.includes(changes[name]) ? changes[name] : offered[0];
    await visitor.fill({ [name]: value });
  }
}

/** From the registration page to the empty form. */
export async function reachForm(visitor, provider, { mail = newAddress('applicant'), tenant = 'certificate', kind, from } = {}) {
  if (from !== 'here') await visitor.visit(`${provider.issuer(tenant)}/register${kind ? `?kind=${kind}` : ''}`);
  await askForRegistration(visitor, mail);
  await visitor.visit(await registrationLink(provider, mail, provider.mail.to(mail).length || 1));
  await agree(visitor);
  await expectPage(visitor, 'form');
  return mail;
}

/** The whole application: gives the mail address and the reference number. */
export async function apply(visitor, provider, { mail, changes, files, tenant, kind } = {}) {
  const address = await reachForm(visitor, provider, { mail, tenant, kind });
  await fillForm(visitor, changes, files);
  await visitor.press('check');
  await expectPage(visitor, 'check');
  await visitor.press('submit');
  return { mail: address, reference: await receptionReference(visitor) };
}

/** The reference number on the reception page. */
export async function receptionReference(visitor) {
  await expectPage(visitor, 'reception');
  assert.ok(await visitor.exists('#reception'), 'the reception page has #reception');
  const reference = await visitor.text('#reception [data-reference], #reception[data-reference]');
  const attribute = await visitor.attribute('#reception [data-reference], #reception[data-reference]', 'data-reference');
  return attribute || reference;
}

/** Opens an application at the review desk. The clerk is signed in. */
export async function openApplication(clerk, provider, reference, tenant = 'certificate') {
  await clerk.visit(`${provider.issuer(tenant)}/desk`);
  await expectPage(clerk, 'desk-queue');
  const row = `[data-reference="${reference}"]`;
  assert.ok(await clerk.exists(row), `${reference} is in the queue`);
  await clerk.click(`${row} a, a${row}`);
  await expectPage(clerk, 'desk-application');
  return clerk;
}

/** Fills in what goes with a decision: the reason, and which items are questioned with what note. */
export async function fillDecision(clerk, { reason = '確認しました。', items = {}, account = 'new' } = {}) {
  const fields = await clerk.fields();
  // people of the tests share a name and a birth date: whom it is about has to be said
  if (fields.includes('account')) await clerk.fill({ account });
  if (fields.includes('reason') && reason) await clerk.fill({ reason });
  for (const [key, note] of Object.entries(items)) {
    const box = fields.find((name) => name === `question_${key}`);
    const text = fields.find((name) => name === `note_${key}`);
    if (box) await clerk.fill({ [box]: (await clerk.attribute(`[name="${box}"]`, 'value')) ?? 'on' });
    assert.ok(text, `the desk has a note for ${key} among ${fields.join(', ')}`);
    await clerk.fill({ [text]: note });
  }
  return clerk;
}

/** Decides on the application that is open. `items` maps field keys to notes for a correction. */
export async function decide(clerk, verdict, words) {
  await fillDecision(clerk, words);
  await clerk.press(verdict);
  return clerk;
}

/** Opens the link of a resubmission mail; where the page asks first, says yes. */
export async function openResubmission(visitor, message) {
  const link = message.links.find((one) => one.includes('/resubmit/link/'));
  assert.ok(link, `a resubmission link in:\n${message.text}`);
  await visitor.visit(link);
  if ((await visitor.page()) === 'confirm-link') await visitor.press('open');
  await expectPage(visitor, 'form');
  return link;
}

/** Login ID and initial password from the result mail, and its link. */
export function acceptedMail(message) {
  const initial = /(?:初期パスワード|[Ii]nitial password)[^A-Za-z0-9]*\s*([A-Za-z0-9]{10,})/.exec(message.text);
  assert.ok(initial, `an initial password in:\n${message.text}`);
  return { password: initial[1], link: message.links[0] };
}

/** User ID and the URL that sets the password, from the result mail of a tenant with user IDs. */
export function settingMail(message) {
  const id = /(?:ログインID|ユーザーID|Login ID|User ID)[^A-Z0-9]*\s*([A-Z]{2}[0-9]{8})/.exec(message.text);
  assert.ok(id, `a user ID in:\n${message.text}`);
  const link = message.links.find((one) => one.includes('/password-setting/link/'));
  assert.ok(link, `a link to set the password in:\n${message.text}`);
  return { login_id: id[1], link };
}

/** The password-setting duty. */
export async function setPasswords(visitor, { password, second_password: second }) {
  await expectPage(visitor, 'password-setting');
  await visitor.fill({ password, password_confirm: password });
  if (second !== undefined) await visitor.fill({ second_password: second, second_password_confirm: second });
  await visitor.press('set');
  return visitor;
}

/** A message page's OK. */
export async function confirmMessage(visitor) {
  await expectPage(visitor, 'message');
  assert.ok(await visitor.exists('#message'));
  await visitor.press('ok');
  return visitor;
}
