// The frame of a test file: a provider of its own on each database, seeded, ended afterwards.

import { after, before, describe, it } from 'node:test';
import { databases } from './database.js';
import { Provider } from './provider.js';
import { clerk, graduate, otherGraduate, secondClerk } from './people.js';
import { clients } from './protocol.js';

/**
 * Defines the same tests once per database.
 * @param {string} title
 * @param {object} options for `Provider.start`, and `accounts`, `clients` to seed; `databases` narrows it down
 * @param {(at: {provider: Provider, kind: string}) => void} define gets an object whose `provider` is there when tests run
 */
export function onEachDatabase(title, options, define) {
  for (const kind of options.databases ?? databases) {
    if (!databases.includes(kind)) continue;
    describe(`${title} (${kind})`, () => {
      const at = { kind };
      before(async () => {
        at.provider = await Provider.prepare({ ...options, database: kind });
        if (options.accounts?.length) await at.provider.createAccount(options.accounts);
        for (const client of options.clients ?? []) await at.provider.registerClient(client);
        await at.provider.start();
      }, { timeout: 120_000 });
      after(async () => {
        await at.provider?.end();
      });
      define(at);
    });
  }
}

export const staff = [clerk, secondClerk];
export const people = [graduate, otherGraduate];
export const everybody = [...staff, ...people];
export const everyClient = Object.values(clients);

/**
 * The same test once per language, which stands in its title.
 * @param {string} title names the rows of the requirements that it shows
 * @param {object} options of the test; `kind`: the database of the suite, where each database is to speak one language, so
 *   that both of both are seen at the cost of one
 * @param {(language: 'ja'|'en', javascript: boolean) => Promise<void>} body is told whether its browser runs scripts, where
 *   the test has a journey that both must be able to go: Japanese does, English does not
 */
export function inBothLanguages(title, { kind, ...options }, body) {
  const spoken = { sqlite: ['ja'], postgres: ['en'] }[kind] ?? ['ja', 'en'];
  for (const language of spoken) it(`${title} (${language})`, options, () => body(language, language === 'ja'));
}

/**
 * Languages and scripts that a journey in Chromium is made with: all four on SQLite; on PostgreSQL, where nothing but
 * what is stored is another, each language and scripts on and off once.
 * @param {'sqlite'|'postgres'} kind
 * @returns {['ja'|'en', boolean][]} language, and whether JavaScript is on
 */
export function ways(kind) {
  const each = [['ja', false], ['en', true]];
  return kind === 'postgres' ? each : [...each, ['ja', true], ['en', false]];
}
