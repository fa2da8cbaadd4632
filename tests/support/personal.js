// What people do about their own account: further student ID numbers, own data, a lost mailbox. For every kind of visitor.

import assert from 'node:assert/strict';
import {
  acceptedMail, apply, chooseAffiliation, confirmMessage, decide, expectPage, logIn, openApplication, receptionReference, setPasswords, signIn,
} from './journey.js';
import { licence, newAddress } from './people.js';
import { Visitor } from './visitor.js';

const passwords = { password: 'Tabiji2024sakura', second_password: 'Momiji77betsu' };

/** Somebody who applied, was approved and set passwords; `desk` is a clerk's signed-in visitor. */
export async function approvedPerson(provider, desk, { mail = newAddress('graduate'), changes } = {}) {
  const visitor = new Visitor();
  const { reference } = await apply(visitor, provider, { mail, changes });
  await openApplication(desk, provider, reference);
  await decide(desk, 'approve');
  const { password } = acceptedMail(await provider.mail.wait(mail, 3));
  const first = new Visitor();
  await first.visit(`${provider.issuer()}/login`);
  await logIn(first, { login_id: mail, password, second_password: '' });
  await setPasswords(first, passwords);
  await confirmMessage(first);
  await provider.mail.wait(mail, 4);
  return { login_id: mail, email: mail, ...passwords };
}

/** The newest mail to an address whose text has a link that contains `part`. */
export async function linkIn(provider, mail, part, count) {
  const message = await provider.mail.wait(mail, count);
  const link = message.links.find((one) => one.includes(part));
  assert.ok(link, `a link with ${part} in:\n${message.text}`);
  return link;
}

/** Asks for the mail that opens the form for one more student ID number. */
export async function askForStudentId(visitor, provider) {
  await visitor.visit(`${provider.issuer()}/account/student-id`);
  await expectPage(visitor, 'student-id');
  await visitor.press('send');
  await expectPage(visitor, 'message');
  return visitor;
}

/** Opens the mail's link and fills in the part about the stay. */
export async function fillStudentId(visitor, link, studentId) {
  await visitor.visit(link);
  await expectPage(visitor, 'confirm-link');
  await visitor.press('open');
  await expectPage(visitor, 'form');
  assert.equal(await visitor.exists('[name="birth_date_year"], [name="document_front"], [name="street"]'), false, 'only what was when enrolled');
  await visitor.fill({
    school_name: '山田 太郎', school_name_kana: 'ヤマダ タロウ', school_name_roman: 'YAMADA TARO', student_id: studentId,
    matriculation_year: '2013', matriculation_month: '4', graduation_year: '2015', graduation_month: '3',
  });
  await visitor.fill({ degree_program: 'masters' });
  await visitor.fill({ outcome: 'graduated' });
  await chooseAffiliation(visitor, {});
  return visitor;
}

/** From the menu to the reference number. */
export async function addStudentId(visitor, provider, person, studentId) {
  const before = provider.mail.to(person.email).length;
  await askForStudentId(visitor, provider);
  await visitor.press('ok');
  const link = await linkIn(provider, person.email, '/student-id/link/', before + 1);
  await fillStudentId(visitor, link, studentId);
  await visitor.press('check');
  await expectPage(visitor, 'check');
  await visitor.press('submit');
  const reference = await receptionReference(visitor);
  await provider.mail.wait(person.email, before + 2);
  return reference;
}

/** Opens the personal settings. */
export async function openProfile(visitor, provider, tenant = 'certificate') {
  await visitor.visit(`${provider.issuer(tenant)}/account/profile`);
  await expectPage(visitor, 'form');
  return visitor;
}

/** A change of the name, with its document, as far as the check page. */
export async function askForAnotherName(visitor, provider, name = '佐藤 太郎', kana = 'サトウ タロウ') {
  await openProfile(visitor, provider);
  await visitor.fill({ name, name_kana: kana, document_front: licence() });
  await visitor.fill({ document_type: 'drivers_license' });
  await visitor.press('check');
  await expectPage(visitor, 'check');
  return visitor;
}

/** A reapplication by somebody who gives the same name and birth date. */
export async function reapply(visitor, provider, changes = {}) {
  return apply(visitor, provider, { mail: newAddress('lost'), changes: { application_type: 'reapplication', ...changes } });
}

export { passwords, signIn };
