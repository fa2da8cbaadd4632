// The application form: what is forgiven, what is refused, what is shown beside it.

import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { expectPage, fillForm, reachForm } from '../support/journey.js';
import { answers } from '../support/people.js';
import { onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

onEachDatabase('application form', {}, (at) => {
  let visitor;
  before(async () => {
    visitor = new Visitor();
    await reachForm(visitor, at.provider);
    await fillForm(visitor);
    await visitor.press('check');
    await expectPage(visitor, 'check');
  });

  /** Goes back to the form, changes some values and presses Check. */
  const check = async (changes) => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    await expectPage(visitor, 'form');
    await visitor.fill({ ...pick(await visitor.fields(), answers), ...changes });
    await visitor.press('check');
  };
  const pick = (names, from) => Object.fromEntries(names.filter((name) => name in from && !/^(application_type|degree_program|outcome|prefecture|matriculation|graduation)/.test(name)).map((name) => [name, from[name]]));

  const refuses = (what, field, changes) => it(`refuses ${what}, names the item at the top and beside it, and keeps what was typed`, async () => {
    await check(changes);
    assert.equal(visitor.status, 422, visitor.describe());
    await expectPage(visitor, 'form');
    assert.match(await visitor.text('title'), /エラー|Error/);
    const invalid = visitor.document.querySelectorAll('[aria-invalid="true"]').map((node) => node.getAttribute('name'));
    assert.ok(invalid.some((name) => name?.startsWith(field)), `${field} among ${invalid.join(', ')}`);
    const links = visitor.document.querySelectorAll('#error-summary a').map((a) => a.getAttribute('href'));
    assert.ok(links.length >= 1);
    for (const link of links) {
      assert.match(link, /^#/);
      assert.ok(await visitor.exists(`[id="${link.slice(1)}"]`), `${link} leads to an item`);
    }
    const control = visitor.document.querySelectorAll('[aria-invalid="true"]').find((node) => node.getAttribute('name')?.startsWith(field));
    const described = control.getAttribute('aria-describedby') ?? control.closest('fieldset')?.getAttribute('aria-describedby') ?? '';
    assert.ok(described.split(/\s+/).some((id) => id && visitor.document.querySelector(`[id="${id}"]`)), 'the message is tied to its item');
    for (const [name, value] of Object.entries(changes)) if (typeof value === 'string' && !/[\u0000-\u001f]/.test(value)) assert.equal(await visitor.value(name), value, `${name} is kept`);
  });

  const accepts = (what, changes, shown) => it(`accepts ${what}`, async () => {
    await check(changes);
    await expectPage(visitor, 'check');
    if (shown) assert.match(await visitor.text(), shown);
  });

  refuses('an empty name', 'name', { name: '' });
  refuses('a name of blanks', 'name', { name: '　 　' });
  refuses('a kana name in kanji', 'name_kana', { name_kana: '山田 太郎' });
  refuses('a kana name in Latin letters', 'name_kana', { name_kana: 'Yamada Taro' });
  refuses('a roman name in kana', 'school_name_roman', { school_name_roman: 'ヤマダ' });
  refuses('a name of a thousand characters', 'name', { name: '山'.repeat(1_000) });
  refuses('a birth date that does not exist', 'birth_date', { birth_date_year: '1990', birth_date_month: '2', birth_date_day: '30' });
  refuses('the 29th of February in a common year', 'birth_date', { birth_date_year: '2023', birth_date_month: '2', birth_date_day: '29' });
  refuses('a month 13', 'birth_date', { birth_date_month: '13' });
  refuses('a birth date in the future', 'birth_date', { birth_date_year: '2199' });
  refuses('a birth date in the 18th century', 'birth_date', { birth_date_year: '1799' });
  refuses('a birth date with letters', 'birth_date', { birth_date_year: 'abcd' });
  refuses('a date without a day', 'birth_date', { birth_date_day: '' });
  refuses('an overflowing year', 'birth_date', { birth_date_year: '99999999999999999999' });
  refuses('a postal code of six digits', 'postal_code', { postal_code: '100-000' });
  refuses('a postal code with letters', 'postal_code', { postal_code: 'ABC-DEFG' });
  refuses('a phone number of three digits', 'phone', { phone: '123', cell_phone: '123' });
  refuses('a phone number with letters', 'phone', { phone: 'call me', cell_phone: '090-1234-5678' });
  refuses('an empty street', 'street', { street: '' });

  accepts('half-width kana', { name_kana: 'ﾔﾏﾀﾞ ﾀﾛｳ' }, /ヤマダ タロウ/);
  accepts('hiragana', { name_kana: 'やまだ たろう' }, /ヤマダ タロウ/);
  accepts('an ideographic space', { name: '山田　太郎', name_kana: 'ヤマダ　タロウ' });
  accepts('rare and compatible kanji as typed', { name: '髙﨑 神𠮷' }, /髙﨑 神𠮷/);
  accepts('a mononym', { name: 'スカルノ', name_kana: 'スカルノ' });
  accepts('long vowels written with hyphens', { name_kana: 'スーザン モ-ア' });
  accepts('full-width digits in a date', { birth_date_year: '１９９０', birth_date_month: '０４', birth_date_day: '２' }, /1990/);
  accepts('a leap day', { birth_date_year: '1988', birth_date_month: '2', birth_date_day: '29' });
  accepts('a postal code without hyphen', { postal_code: '1000001' });
  accepts('a postal code in full width with any hyphen', { postal_code: '〒１００−０００１' });
  accepts('a phone number with brackets and full-width digits', { phone: '（０３）１２３４ー５６７８' });
  accepts('an international phone number', { phone: '+81 3-1234-5678', cell_phone: '+44 20 7946 0958' });
  accepts('markup in text, shown as text', { building: '<img src=x onerror=alert(1)> & "quotes"' }, /<img src=x onerror=alert\(1\)> & "quotes"/);

  it('markup that was typed never becomes markup', async () => {
    await check({ building: '<script id="planted">alert(1)</script>', remarks: '</textarea><script id="planted">1</script>' });
    assert.equal(await visitor.exists('#planted'), false);
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    assert.equal(await visitor.exists('#planted'), false);
    assert.equal(await visitor.value('building'), '<script id="planted">alert(1)</script>');
  });

  it('a choice that is not offered is refused', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    for (const name of ['degree_program', 'outcome', 'document_type', 'affiliation_1', 'prefecture']) {
      const sent = visitor.submission('check', { [name]: 'not-offered' });
      const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
      assert.ok([400, 422].includes(answer.status), `${name}: ${answer.status}`);
    }
  });

  it('a subject of another department is refused', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    const sent = visitor.submission('check', { affiliation_2: 'nowhere', affiliation_3: 'nothing' });
    const answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    assert.ok([400, 422].includes(answer.status), `${answer.status}`);
  });

  it('the postal-code button fills prefecture and city without submitting, and keeps everything else', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    await visitor.fill({ postal_code: '060-0001', building: '札幌ビル' });
    await visitor.press('lookup');
    await expectPage(visitor, 'form');
    assert.equal(await visitor.value('prefecture'), '北海道');
    assert.match(await visitor.value('city'), /札幌市中央区/);
    assert.equal(await visitor.value('building'), '札幌ビル');
  });

  it('a postal code that spans several places offers a choice and fills in nothing by itself', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    await visitor.fill({ postal_code: '498-0000' });
    await visitor.press('lookup');
    await expectPage(visitor, 'form');
    assert.match(visitor.answer.text, /三重県/);
    assert.match(visitor.answer.text, /愛知県/);
  });

  it('an unknown postal code says so and keeps the address', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    await visitor.fill({ postal_code: '999-9999', city: '自分で入れた市' });
    await visitor.press('lookup');
    await expectPage(visitor, 'form');
    assert.equal(await visitor.value('city'), '自分で入れた市');
  });

  it('every personal field has the autocomplete token that fits it', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    const tokens = {
      birth_date_year: 'bday-year', birth_date_month: 'bday-month', birth_date_day: 'bday-day', postal_code: 'postal-code',
      prefecture: 'address-level1', city: 'address-level2', street: 'address-line1', building: 'address-line2',
    };
    for (const [name, token] of Object.entries(tokens)) assert.equal(await visitor.attribute(`[name="${name}"]`, 'autocomplete'), token, name);
    assert.match(await visitor.attribute('[name=phone]', 'autocomplete'), /^tel/);
    assert.equal(await visitor.attribute('[name=phone]', 'type'), 'tel');
    assert.equal(await visitor.attribute('form:has([name=name])', 'novalidate') !== undefined, true, 'messages are ours, not the browser’s');
  });

  it('the confirmed mail address is shown and cannot be changed', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    const sent = visitor.submission('check', { email: 'evil@example.jp', mail: 'evil@example.jp' });
    await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    assert.doesNotMatch(await visitor.text(), /evil@example\.jp/);
  });

  it('every label belongs to its control and required items say so in words', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    for (const control of visitor.document.querySelectorAll('form input:not([type=hidden]), form select, form textarea')) {
      const id = control.getAttribute('id');
      const labelled = (id && visitor.document.querySelector(`label[for="${id}"]`)) || control.closest('label') || control.getAttribute('aria-label') || control.getAttribute('aria-labelledby');
      assert.ok(labelled, `${control.getAttribute('name')} has a label`);
    }
    assert.match(await visitor.text('form:has([name=name])'), /必須/);
  });

  it('ten thousand fields and parts are refused without harm', async () => {
    await visitor.visit(`${at.provider.issuer()}/register/form`);
    const sent = visitor.submission('check');
    const boundary = 'many';
    const part = (n) => `--${boundary}\r\nContent-Disposition: form-data; name="x${n}"\r\n\r\n1\r\n`;
    const body = Array.from({ length: 10_000 }, (_, n) => part(n)).join('') + `--${boundary}--\r\n`;
    const started = Date.now();
    const answer = await visitor.send(sent.url, { method: 'POST', headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, origin: at.provider.origin }, body });
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
    assert.ok(Date.now() - started < 4_000);
  });

  it('broken multipart bodies are refused: no boundary, no end, nested, two file names', async () => {
    const url = visitor.submission('check').url;
    for (const [type, body] of [
      ['multipart/form-data', 'x'],
      ['multipart/form-data; boundary=', 'x'],
      ['multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nno end'],
      ['multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="a"; filename="x"; filename*=UTF-8\'\'y\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n'],
      ['multipart/form-data; boundary=b', '\r\n\r\n\r\n'],
    ]) {
      const answer = await visitor.send(url, { method: 'POST', headers: { 'content-type': type, origin: at.provider.origin }, body });
      assert.ok(answer.status >= 400 && answer.status < 500, `${type}: ${answer.status}`);
    }
  });

  it('a student ID that begins like a formula and control characters are taken as text or refused, never executed', async () => {
    for (const value of ['=HYPERLINK("http://evil")', '\u202e12345', '1\u000023']) {
      await check({ student_id: value });
      assert.ok([200, 422].includes(visitor.status), `${visitor.status}`);
    }
  });
});
