// Which browser tests show which requirement. The tests name the rows in their titles; this reads the titles, says what
// is missing, and writes the table of the handbook.
//
//   node tests/support/rows.js           prints the table's problems, exits with 1 when there are any
//   node tests/support/rows.js --write   writes docs/src/reference/requirements.md as well

import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const page = path.join(root, 'docs/src/reference/requirements.md');
const languages = ['ja', 'en'];
const idPattern = /\b[CR]-[A-Z]+-\d+\b/g;

/** The titles of a test file as paths of suites and test, without running any. */
async function titlesOf(file) {
  const register = pathToFileURL(path.join(root, 'tests/support/titles/register.js')).href;
  const env = { ...process.env, MADOGUCHI_TEST_DATABASES: 'sqlite,postgres', MADOGUCHI_TEST_POSTGRES: 'postgres://nowhere/' };
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', register, file], { env, maxBuffer: 16 << 20, timeout: 60_000 });
  return JSON.parse(stdout.slice(stdout.indexOf('[[')));
}

/** A title as it is read: without language, database and rows, which have columns of their own. */
function plain(title) {
  return title
    .replace(idPattern, '')
    .replace(/\b(ja|en)\b/g, '')
    .replace(/\((sqlite|postgres)\)/g, '')
    .replace(/\(\s*[,;]?\s*\)/g, '')
    .replace(/^[\s,:;–]+|[\s,:;]+$/g, '')
    .replace(/\s*[,:]\s*(?=[,:])/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Every row with its tests: `{id, title, tests: Map(title → {file, title, languages, runs})}`; a run is `language/database`. */
export async function rows() {
  const known = JSON.parse(await readFile(path.join(root, 'tests/rows.json'), 'utf8')).map((row) => ({ ...row, tests: new Map() }));
  const strangers = new Set();
  const folder = path.join(root, 'tests/browser');
  const names = (await readdir(folder)).filter((one) => one.endsWith('.test.js')).sort();
  const titles = await Promise.all(names.map((name) => titlesOf(path.join(folder, name))));
  for (const [n, name] of names.entries()) {
    for (const title of titles[n]) {
      const whole = title.join(' › ');
      for (const id of new Set(whole.match(idPattern) ?? [])) {
        const row = known.find((one) => one.id === id);
        if (!row) {
          strangers.add(`${name} names ${id}, which tests/rows.json does not have`);
          continue;
        }
        const key = `${name}: ${plain(title.at(-1))}`;
        const test = row.tests.get(key) ?? { file: name, title: plain(title.at(-1)), languages: new Set(), runs: new Set() };
        const language = languages.find((one) => new RegExp(`\\b${one}\\b`).test(whole));
        const kind = ['sqlite', 'postgres'].find((one) => whole.includes(`(${one})`));
        if (language) test.languages.add(language);
        test.runs.add([language, kind].filter(Boolean).join('/'));
        row.tests.set(key, test);
      }
    }
  }
  return { known, strangers: [...strangers] };
}

/** What a row lacks. */
export function missing({ known, strangers }) {
  const problems = [...strangers];
  for (const { id, tests } of known) {
    const shown = [...tests.values()];
    if (shown.length === 0) problems.push(`${id}: no test in tests/browser names it`);
    else {
      for (const language of languages) {
        if (!shown.some((test) => test.languages.has(language))) problems.push(`${id}: no test names it with “${language}” in its title`);
      }
    }
  }
  return problems;
}

/** The page of the handbook. */
export function table({ known }) {
  const lines = known.map(({ id, title, tests }) => {
    const shown = [...tests.values()].map((test) => {
      return `${test.title.replaceAll('|', '\\|')} <small>(${[test.file, [...test.runs].sort().join(' ')].filter(Boolean).join(' · ')})</small>`;
    });
    return `| ${id} | ${title} | ${shown.join('<br>') || '–'} |`;
  });
  return `# Requirements and the tests that show them

What a person sees and does at the two tenants that ship, \`C\` at \`certificate\` and \`R\` at \`residence\`, and the tests in real
Chromium that show it, below \`tests/browser\`. Behind each test: its file, and in which language it runs on which database.

This page is written by \`tests/rows\`; the tests fail when a row has no test in both languages, or the page is not up to date.

| row | what | shown by |
|---|---|---|
${lines.join('\n')}
`;
}

/** Whether the page says what the tests say. */
export async function upToDate(found) {
  return (await readFile(page, 'utf8').catch(() => '')) === table(found);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await rows();
  if (process.argv.includes('--write')) await writeFile(page, table(found));
  const problems = missing(found);
  if (!(await upToDate(found))) problems.push('docs/src/reference/requirements.md is out of date: run tests/rows');
  for (const problem of problems) console.error(problem);
  if (problems.length === 0) console.log(`${found.known.length} rows, each shown in ${languages.length} languages`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
