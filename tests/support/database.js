// A database of its own for each program under test, on both kinds. PostgreSQL comes from MADOGUCHI_TEST_POSTGRES, which
// `tests/run` sets to its throw-away cluster.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The two kinds that every test of state runs on. `MADOGUCHI_TEST_DATABASES=sqlite` narrows it down while working on a test. */
export const databases = (process.env.MADOGUCHI_TEST_DATABASES ?? 'sqlite,postgres').split(',');

function cluster() {
  const url = process.env.MADOGUCHI_TEST_POSTGRES;
  if (!url) throw new Error('MADOGUCHI_TEST_POSTGRES is not set: run the tests by tests/run, which starts a PostgreSQL');
  return url;
}

async function psql(url, sql) {
  const { stdout } = await run('psql', ['--no-psqlrc', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql], { maxBuffer: 64 << 20 });
  return stdout;
}

/**
 * Makes an empty database.
 * @returns an object with `kind`, `url`, `rows(sql)` for a query, `several({name: sql})` for many at once, `execute(sql)` for a
 *   change, and `drop()`
 */
export async function createDatabase(kind, directory) {
  if (kind === 'sqlite') {
    const file = `${directory}/madoguchi.sqlite`;
    return {
      kind,
      file,
      url: `sqlite:${file}`,
      async rows(sql) {
        const { stdout } = await run('sqlite3', ['-json', '-cmd', '.timeout 5000', file, sql], { maxBuffer: 64 << 20 });
        return stdout.trim() === '' ? [] : JSON.parse(stdout);
      },
      async several(queries) {
        const commands = Object.entries(queries).flatMap(([name, sql]) => [`.print \u0001${name}`, sql]);
        const { stdout } = await run('sqlite3', ['-json', '-cmd', '.timeout 5000', file, ...commands], { maxBuffer: 64 << 20 });
        return Object.fromEntries(stdout.split('\u0001').slice(1).map((part) => {
          const end = part.indexOf('\n');
          return [part.slice(0, end), JSON.parse(part.slice(end).trim() || '[]')];
        }));
      },
      async execute(sql) {
        await run('sqlite3', ['-cmd', '.timeout 5000', file, sql]);
      },
      async drop() {},
    };
  }
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = new URL(cluster());
  await psql(url.href, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    kind,
    url: own.href,
    async rows(sql) {
      return JSON.parse((await psql(own.href, `SELECT coalesce(json_agg(t), '[]'::json) FROM (${sql}) t`)).trim());
    },
    async several(queries) {
      const parts = Object.entries(queries).map(([name, sql]) => `'${name}', (SELECT coalesce(json_agg(t), '[]'::json) FROM (${sql}) t)`);
      return JSON.parse((await psql(own.href, `SELECT json_build_object(${parts.join(', ')})`)).trim());
    },
    async execute(sql) {
      await psql(own.href, sql);
    },
    async drop() {
      await psql(url.href, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(() => {});
    },
  };
}
