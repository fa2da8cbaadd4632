// Further student ID numbers, own data, wrong matches, and what is erased, over HTTP.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { apply, decide, expectPage, openApplication, openResubmission, receptionReference, signIn } from '../support/journey.js';
import { clerk, graduate, newAddress, otherGraduate } from '../support/people.js';
import { addStudentId, approvedPerson, askForAnotherName, askForStudentId, fillStudentId, linkIn, openProfile } from '../support/personal.js';
import { authorization, authorize, callback, clients, redeem, responseOf, tokens, userinfo, verified } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('people', { accounts: everybody, clients: everyClient }, (at) => {
  const signedIn = (person, language) => signIn(new Visitor({ language }), at.provider, person);
  const opened = async (reference) => openApplication(await signedIn(clerk), at.provider, reference);
  let number = 0;
  const studentId = () => `${at.kind === 'sqlite' ? 5 : 6}TE${String((number += 1)).padStart(5, '0')}`;
  const known = async (changes = {}) => approvedPerson(at.provider, await signedIn(clerk), { changes: { student_id: studentId(), ...changes } });
  const mails = (person) => at.provider.mail.to(person.email).length;

  it('C-STUDENT-1: a further student ID number is corrected, handed in again, rejected: like any application', async () => {
    const person = await known();
    const visitor = await signedIn(person);
    const reference = await addStudentId(visitor, at.provider, person, studentId());
    let before = mails(person);
    await decide(await opened(reference), 'resubmit', { reason: '次を直してください。', items: { student_id: '桁が足りません。' } });
    const asked = await at.provider.mail.wait(person.email, before + 1);
    const elsewhere = new Visitor();
    await openResubmission(elsewhere, asked);
    assert.equal(await elsewhere.exists('input[name="school_name"]'), false, 'only the questioned item is open');
    const corrected = studentId();
    await elsewhere.fill({ student_id: corrected });
    await elsewhere.press('check');
    await elsewhere.press('submit');
    assert.equal(await receptionReference(elsewhere), reference);
    const desk = await opened(reference);
    assert.match(await desk.text('.compare__before'), /TE/, 'what was handed in before stands beside it');
    before = mails(person);
    await decide(desk, 'reject', { reason: '記録がありません。' });
    assert.match((await at.provider.mail.wait(person.email, before + 1)).text, /記録がありません。/);
    // and another may be asked for
    await visitor.visit(`${at.provider.issuer()}/account/student-id`);
    assert.ok(await visitor.exists('#send'));
  });

  it('C-STUDENT-1: a number that the account has is refused at the form, and what was typed is kept', async () => {
    const one = studentId();
    const person = await known({ student_id: one });
    const visitor = await signedIn(person);
    const before = mails(person);
    await askForStudentId(visitor, at.provider);
    await fillStudentId(visitor, await linkIn(at.provider, person.email, '/student-id/link/', before + 1), one.toLowerCase());
    await visitor.press('check');
    assert.equal(visitor.trail[0].status, 422, visitor.describe());
    assert.equal(await visitor.value('student_id'), one.toLowerCase());
  });

  it('an application can be withdrawn by its owner alone, once; the desk is told', async () => {
    const person = await known();
    const visitor = await signedIn(person);
    const reference = await addStudentId(visitor, at.provider, person, studentId());
    const desk = await opened(reference);
    const page = `${at.provider.issuer()}/account/applications/${reference}/withdraw`;
    const stranger = await signedIn(graduate);
    await stranger.visit(page);
    assert.equal(stranger.status, 404);
    await visitor.visit(page);
    await expectPage(visitor, 'confirm-link');
    const sent = visitor.submission('withdraw');
    await visitor.press('withdraw');
    await expectPage(visitor, 'message');
    const again = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.equal(again.status, 303, 'pressed twice leads to the same page');
    await decide(desk, 'approve');
    assert.equal(desk.trail[0].status, 409);
    assert.match(await desk.text(), /取り下げました/);
    const [{ n }] = await at.provider.database.rows(`SELECT count(*) AS n FROM enrolments e JOIN accounts a ON a.id = e.account WHERE a.email_key = '${person.email}'`);
    assert.equal(Number(n), 1);
  });

  it('C-SELF-1: of two windows that change the same thing one wins, and the other is told', async () => {
    const person = await known();
    const one = await signedIn(person);
    await openProfile(one, at.provider);
    await one.fill({ building: '一号館' });
    const two = await signedIn(person);
    await openProfile(two, at.provider);
    await two.fill({ building: '二号館' });
    await one.press('check');
    await expectPage(one, 'check');
    await one.press('submit');
    await expectPage(one, 'message');
    await two.press('check');
    assert.equal(two.trail[0].status, 409, two.describe());
    await openProfile(two, at.provider);
    assert.equal(await two.value('building'), '一号館');
  });

  it('C-SELF-1: while a change is checked its items are closed, whatever is sent; fixed ones always are', async () => {
    const person = await known();
    const visitor = await signedIn(person);
    await askForAnotherName(visitor, at.provider);
    await visitor.press('submit');
    await openProfile(visitor, at.provider);
    assert.equal(await visitor.exists('input[name="name"]'), false);
    assert.ok(await visitor.exists('#withdraw'));
    const sent = visitor.submission('check', { name: '別名 三郎', mail: 'x@example.jp', building: '三号館' });
    const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.equal(answer.status, 303);
    await visitor.visit(answer.location);
    assert.doesNotMatch(await visitor.text('main'), /別名/);
    await visitor.press('submit');
    const [row] = await at.provider.database.rows(`SELECT profile, email FROM accounts WHERE email_key = '${person.email}'`);
    assert.equal(JSON.parse(row.profile).name, '山田 太郎');
    assert.equal(JSON.parse(row.profile).address.building, '三号館');
  });

  it('C-STUDENT-2: one student ID number by scope or by claims: chosen among several, said by the tokens, refused without a page', async () => {
    const { first } = clients;
    const claims = async (granted) => (await verified(at.provider, granted.id_token, first)).payload;
    // with one only there is nothing to choose
    const single = await tokens(await signedIn(otherGraduate), at.provider, first, { scope: 'openid student_id' });
    assert.equal((await claims(single)).student_id, otherGraduate.student_ids[0]);
    const visitor = await signedIn(graduate);
    const asked = [
      { scope: 'openid student_id' },
      { scope: 'openid', claims: JSON.stringify({ id_token: { student_id: null }, userinfo: { student_id: null } }) },
    ];
    for (const [index, changes] of asked.entries()) {
      const silent = authorization(first, { ...changes, prompt: 'none' });
      assert.equal(responseOf(await authorize(visitor, at.provider, silent.parameters)).get('error'), 'interaction_required');
      const { parameters, verifier } = authorization(first, changes);
      const page = await authorize(visitor, at.provider, parameters);
      visitor.show(page);
      await expectPage(visitor, 'enrolment-choice');
      const ids = await visitor.choices('enrolment');
      assert.equal(ids.length, graduate.student_ids.length);
      const foreign = visitor.submission('choose', { enrolment: 'enr_of_nobody' });
      const refused = await visitor.send(foreign.url, { ...foreign, headers: { ...foreign.headers, origin: at.provider.origin } });
      assert.ok(!(refused.location ?? '').startsWith(callback), 'an enrolment of somebody else is no answer');
      const chosen = visitor.submission('choose', { enrolment: ids[index] });
      let answer = await visitor.send(chosen.url, { ...chosen, headers: { ...chosen.headers, origin: at.provider.origin } });
      if (!answer.location?.startsWith(callback)) answer = await visitor.send(answer.location);
      const granted = await redeem(at.provider, first, { code: responseOf(answer).get('code'), verifier, parameters });
      const expected = graduate.student_ids[index];
      assert.equal((await claims(granted.json)).student_id, expected);
      assert.equal((await userinfo(at.provider, granted.json.access_token)).json.student_id, expected);
    }
  });

  it('the roster’s affiliation is the same in whichever language it is written and read', async () => {
    const id = studentId();
    const roster = `学籍番号,氏名,フリガナ,生年月日,学部,学科,コース\r\n${id},山田 太郎,ヤマダ タロウ,1990-04-02,文学部,人文学科,哲学専攻\r\n`;
    await at.provider.must(['roster', 'import', '--tenant', 'certificate', '--file', await at.provider.file('roster.csv', roster)]);
    const { reference } = await apply(new Visitor(), at.provider, { mail: newAddress('place'), changes: { student_id: id } });
    for (const [language, label, words] of [['ja', '所属', '人文学科'], ['en', 'Affiliation', 'Department of Humanities']]) {
      const desk = await signedIn(clerk, language);
      await openApplication(desk, at.provider, reference);
      const row = desk.document.querySelectorAll('.compare__row').find((one) => one.querySelector('th').text.trim() === label);
      assert.match(row.getAttribute('class'), /--same/, language);
      assert.equal(row.text.split(words).length - 1, 2, `both sides in ${language}: ${row.text}`);
    }
  });
});

onEachDatabase('retention', { accounts: everybody, clock: true }, (at) => {
  it('images go at the end of their time, the desk says when; the application goes later', async () => {
    const desk = await signIn(new Visitor(), at.provider, clerk);
    const { reference } = await apply(new Visitor(), at.provider, { mail: newAddress('old') });
    await openApplication(desk, at.provider, reference);
    const picture = await desk.attribute('.viewer__image', 'src');
    await decide(desk, 'reject', { reason: '記録がありません。' });
    const later = async (days) => {
      await at.provider.stop();
      await at.provider.advance(days * 86_400);
      await at.provider.start();
      return signIn(new Visitor(), at.provider, clerk);
    };
    const erased = async () => (await at.provider.database.rows('SELECT count(*) AS n FROM documents WHERE deleted_at IS NOT NULL'))[0];
    let clerkLater = await later(31);
    for (let wait = 0; wait < 50 && Number((await erased()).n) === 0; wait += 1) await new Promise((done) => { setTimeout(done, 200); });
    await clerkLater.visit(`${at.provider.issuer()}/desk?state=all&q=${reference}`);
    await clerkLater.click(`[data-reference="${reference}"] a`);
    assert.match(await clerkLater.text(), /画像は.+に消去しました/);
    await clerkLater.visit(picture);
    assert.equal(clerkLater.status, 404);
    clerkLater = await later(1830);
    const count = async () => Number((await at.provider.database.rows('SELECT count(*) AS n FROM applications'))[0].n);
    for (let wait = 0; wait < 50 && (await count()) > 0; wait += 1) await new Promise((done) => { setTimeout(done, 200); });
    assert.equal(await count(), 0);
  });
});
