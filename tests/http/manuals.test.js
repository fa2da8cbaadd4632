// The tenants' manuals name what stands on the pages: each label that they quote is a text of that language, in the words
// of the tenant and its theme.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { root } from '../support/provider.js';

/** Texts of a file of locales by their dotted key: tables, and one text a line. */
function texts(source) {
  const found = new Map();
  let table = '';
  for (const line of source.split('\n')) {
    const [, name] = /^\s*\[([\w.]+)\]/.exec(line) ?? [];
    if (name) table = `${name}.`;
    const [, key, text] = /^\s*([\w.-]+) = ("(?:[^"\\]|\\.)*")/.exec(line) ?? [];
    if (key) found.set(table + key, JSON.parse(text));
  }
  return found;
}

const read = (...parts) => readFile(path.join(root, ...parts), 'utf8').catch((error) => {
  if (error.code === 'ENOENT') return '';
  throw error;
});

/** Everything that a tenant's pages may say in a language: the base theme's texts, the theme's and the tenant's over them, and the tenant's own. */
async function said(tenant, language) {
  const settings = await read('tenants', tenant, 'tenant.toml');
  const [, theme] = /^theme = "([a-z]+)"/m.exec(settings);
  const layers = [['themes', 'base', 'locales'], ['themes', theme, 'locales'], ['tenants', tenant, 'texts']];
  const merged = new Map();
  for (const layer of layers) for (const [key, text] of texts(await read(...layer, `${language}.toml`))) merged.set(key, text);
  const forms = await readdir(path.join(root, 'tenants', tenant, 'forms')).catch(() => []);
  const files = ['tenant.toml', 'form.toml', ...forms.map((form) => path.join('forms', form))];
  const own = [];
  for (const file of files) {
    for (const [, text] of (await read('tenants', tenant, file)).matchAll(new RegExp(`\\b${language} = ("(?:[^"\\\\]|\\\\.)*")`, 'g'))) own.push(JSON.parse(text));
  }
  return new Set([...merged.values(), ...own].map(plain));
}

/** Without what surrounds a label in a mail. */
const plain = (text) => text.replace(/^■ /, '').replace(/[:：]$/, '').trim();

/** The labels that a manual quotes. The heading of one of its own sections is none; nor is the mark beside a wrong item. */
function quoted(manual, language) {
  const headings = new Set([...manual.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading));
  const pattern = language === 'ja' ? /「([^」]*)」|\*\*([^*]*)\*\*/g : /\*\*([^*]*)\*\*/g;
  return [...new Set([...manual.matchAll(pattern)].map(([, first, second]) => first ?? second))].filter((label) => label && label !== '!' && !headings.has(label));
}

describe('the manuals of the tenants', () => {
  it('what a theme says in other words counts no more, and a label that is nowhere is found', async () => {
    const known = await said('certificate', 'en');
    assert.ok(known.has('Order certificates') && !known.has('What you can do'));
    assert.deepEqual(quoted('## A\n**Log in** and **A** and **Nowhere**', 'en').filter((label) => !known.has(label)), ['Nowhere']);
  });

  for (const tenant of ['certificate', 'residence']) {
    for (const language of ['ja', 'en']) {
      it(`C-MENU-3: each label in the manual of ${tenant} stands on its pages (${language})`, async () => {
        const known = await said(tenant, language);
        const manual = await read('tenants', tenant, `manual.${language}.md`);
        const labels = quoted(manual, language).filter((label) => label);
        assert.ok(labels.length >= 25, `${labels.length} labels`);
        assert.deepEqual(labels.filter((label) => !known.has(label)), [], 'labels that no page has');
      });
    }
  }
});
