// What every page must stand up to, whichever way it came to be shown: axe-core, html-validate, no scrolling sideways,
// targets that a finger finds.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { HtmlValidate } from 'html-validate';

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const validator = new HtmlValidate({
  extends: ['html-validate:recommended', 'html-validate:document'],
  rules: {
    // our templates break lines inside attributes' values and write void elements as HTML does
    'attribute-boolean-style': 'error',
    'void-style': 'off',
    'no-trailing-whitespace': 'off',
    'long-title': 'off',
    'doctype-style': 'off',
    // a Japanese telephone number is plain text
    'tel-non-breaking': 'off',
    'require-sri': 'off',
    'no-inline-style': 'error',
    'valid-autocomplete': 'error',
    'no-implicit-button-type': 'error',
  },
});

/** Findings of html-validate, one line each. */
export async function markupFindings(html) {
  const report = await validator.validateString(html);
  return report.results.flatMap(({ messages }) => messages.map(({ ruleId, message, line, column }) => `${ruleId} at ${line}:${column}: ${message}`));
}

/** Rules of axe-core about what only a look at the page tells; all others are about its markup. */
export const rulesOfLooks = ['color-contrast', 'link-in-text-block', 'target-size', 'scrollable-region-focusable'];

/** Those of them that colours alone decide. */
export const rulesOfColour = ['color-contrast', 'link-in-text-block'];

/** A page's markup without what no rule about markup looks at: which words there are, and where they lead. */
export function skeleton(html) {
  return html
    .replace(/\b(href|src|action|content|value|alt|title|class|aria-label|placeholder|data-[a-z-]+)="[^"]+"/g, '$1="…"')
    .replace(/>([^<]*\S[^<]*)</g, '>…<');
}

/** Findings of axe-core on the page that is open, one line each; of all its rules, or of those named. */
export async function axeFindings(view, rules) {
  const runOnly = rules ? { type: 'rule', values: rules } : { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
  if (!(await view.evaluate(() => 'axe' in globalThis))) await view.evaluate(axeSource);
  const { violations } = await view.evaluate((chosen) => globalThis.axe.run(document, { runOnly: chosen, resultTypes: ['violations'] }), runOnly);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${help}; ${failureSummary.replace(/\s+/g, ' ')}`));
}

/** Whether the open page is wider than its window. Names what sticks out. */
export async function overflow(view) {
  return view.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')]
      .filter((node) => node.getBoundingClientRect().right > width + 1 && getComputedStyle(node).position !== 'absolute')
      .slice(0, 5)
      .map((node) => `${node.tagName.toLowerCase()}${node.id ? `#${node.id}` : ''}.${node.className} ends at ${Math.round(node.getBoundingClientRect().right)}`);
  });
}

/** Buttons, and labels of radios and boxes, that are smaller than a finger: 44 CSS pixels. */
export async function smallTargets(view) {
  return view.evaluate(() => {
    const shown = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== 'hidden';
    const box = (node) => node.getBoundingClientRect();
    const wrong = [];
    for (const node of document.querySelectorAll('button, input[type=submit], a.button, select, input:not([type=hidden]):not([type=radio]):not([type=checkbox]):not([type=file])')) {
      if (shown(node) && box(node).height < 43.5 && box(node).width > 1) wrong.push(`${node.tagName.toLowerCase()}#${node.id || node.name} is ${Math.round(box(node).height)} high`);
    }
    for (const node of document.querySelectorAll('input[type=radio], input[type=checkbox]')) {
      const label = node.closest('label') ?? document.querySelector(`label[for="${CSS.escape(node.id)}"]`);
      if (!label || !shown(label)) continue;
      const height = Math.max(box(label).height, box(node).height);
      if (height < 43.5) wrong.push(`the label of ${node.name} is ${Math.round(height)} high`);
    }
    return wrong;
  });
}

/** What a page must have that no tool looks for. */
export async function frameFindings(view, language) {
  return view.evaluate((wanted) => {
    const wrong = [];
    if (document.documentElement.lang !== wanted) wrong.push(`lang is ${document.documentElement.lang}`);
    if (!document.title.trim()) wrong.push('no title');
    if (document.querySelectorAll('h1').length !== 1) wrong.push(`${document.querySelectorAll('h1').length} h1`);
    if (document.querySelectorAll('main').length !== 1) wrong.push('not one main');
    if (!document.body.dataset.page) wrong.push('no data-page');
    const text = document.body.innerText;
    const codes = new Set([...document.querySelectorAll('code')].map((node) => node.textContent));
    const keys = text.match(/(?<![@.-])\b[a-z]+(?:_[a-z]+)*\.(?:[a-z]+_?)+(?:\.[a-z_]+)*\b(?![@-])/g)?.filter((word) => !/\.(?:jp|com|example|png|jpg|css|js|html|ac|go)\b|^www\./.test(word) && !codes.has(word));
    if (keys?.length) wrong.push(`texts that are missing: ${keys.slice(0, 4).join(', ')}`);
    if (/\{\{|\}\}|\{%/.test(text)) wrong.push('a template shows through');
    return wrong;
  }, language);
}
