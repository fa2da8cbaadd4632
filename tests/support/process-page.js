// What a page of a process has, whichever process it is: where one is, what is asked for, what is wrong, the ways back.
// For visitors in Chromium.

import assert from 'node:assert/strict';
import { request } from './http.js';

const words = {
  ja: { required: '必須', optional: '任意', home: 'ホームへ戻る', back: '戻る', count: (now, all) => `ステップ ${now}／${all}` },
  en: { required: 'Required', optional: 'Optional', home: 'Back to the home page', back: 'Back', count: (now, all) => `Step ${now} of ${all}` },
};

/** The page shows the process and its current step, in its text and in the window's title, and the way to the home page. */
export async function showsStep(visitor, language, { process, step, now, all }) {
  const say = words[language];
  assert.equal(await visitor.text('.steps__process'), process);
  assert.equal(await visitor.text('.steps__count'), say.count(now, all));
  assert.equal(await visitor.count('.steps__step'), all);
  assert.equal(await visitor.text('.steps__step[aria-current=step] .steps__label'), step);
  assert.ok(await visitor.view.locator('.steps__now').isVisible());
  assert.match(await visitor.view.title(), new RegExp(`[（(]${now}/${all}[)）]`));
  assert.equal(await visitor.text('#home'), say.home);
  assert.equal(new URL(await visitor.attribute('#home', 'href'), await visitor.url()).pathname, /^\/t\/\w+\//.exec(new URL(await visitor.url()).pathname)[0]);
}

/** The page has Back, in the page's language. */
export async function hasBack(visitor, language) {
  assert.ok(await visitor.view.locator('#back').isVisible(), await visitor.describe());
  assert.equal(await visitor.text('#back'), words[language].back);
}

/** Every item that is asked for says in a word whether it is required. Gives the names of those that are. */
export async function requiredItems(visitor, language) {
  const items = await visitor.view.locator('main .field:not(.field--fixed)').evaluateAll((fields) => fields.map((field) => ({
    name: field.querySelector('[name]:not([type=hidden])').name,
    tag: field.querySelector('.field__label .tag')?.textContent.trim(),
    shown: (field.querySelector('.field__label .tag')?.getClientRects().length ?? 0) > 0,
  })));
  for (const { name, tag, shown } of items) {
    assert.ok(shown, `${name} says whether it is required`);
    assert.ok([words[language].required, words[language].optional].includes(tag), `${name}: ${tag}`);
  }
  return items.filter(({ tag }) => tag === words[language].required).map(({ name }) => name);
}

/** The names of the items that carry “!”. */
export async function markedItems(visitor) {
  return visitor.view.locator('main .field:has(.mark)').evaluateAll((fields) => fields.map((field) => field.querySelector('[name]:not([type=hidden])').name));
}

/** The errors stand in red above everything that can be filled in. */
export async function errorsAtTheTop(visitor) {
  const summary = visitor.view.locator('#error-summary');
  assert.ok(await summary.isVisible(), await visitor.describe());
  assert.match(await summary.evaluate((node) => getComputedStyle(node.closest('.summary')).borderTopColor), /^rgb\((1[3-9][0-9]|2[0-9]{2}), [0-9]{1,2}, [0-9]{1,2}\)/, 'in red');
  const first = visitor.view.locator('main .field').first();
  assert.ok((await summary.boundingBox()).y < (await first.boundingBox()).y, 'at the top');
}

/** The page leads to the list of messages, and every code that it shows stands there, in its language. Gives the codes. */
export async function codesAreListed(visitor) {
  const where = await visitor.describe();
  const link = visitor.view.locator('footer a[href$="/messages"]');
  assert.ok(await link.isVisible(), `${where} leads to the list of messages`);
  const codes = await visitor.view.locator('[data-code], [data-error-code]').evaluateAll((nodes) => nodes.map((node) => node.dataset.code ?? node.dataset.errorCode));
  if (codes.length > 0) {
    const language = await visitor.attribute('html', 'lang');
    const list = await request(new URL(await link.getAttribute('href'), await visitor.url()), { headers: { 'accept-language': language } });
    assert.ok(list.text.includes(`<html lang="${language}">`));
    for (const code of codes) assert.ok(list.text.includes(`<tr data-code="${code}">`), `${code} of ${where} is in the list`);
  }
  return codes;
}
