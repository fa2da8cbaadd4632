// `tests/bench`: starts the release program on each database, seeds it by the command line, lets the external generator
// run its scenarios against it and prints what they cost, beside the targets.

import { writeFile } from 'node:fs/promises';
import { pbkdf2Sync } from 'node:crypto';
import { statSync } from 'node:fs';
import path from 'node:path';
import { Provider, command, program, root } from './provider.js';
import { request } from './http.js';
import { Visitor } from './visitor.js';

const [generator, seconds, databases, algorithms] = process.argv.slice(2);
const callback = 'http://127.0.0.1:9999/callback';
const accounts = Array.from({ length: 20 }, (_, n) => ({
  login_id: `load${n}@example.jp`, email: `load${n}@example.jp`, password: `LoadPass${n}x`, second_password: `SecondLoadPass${n}x`,
  claims: { name: `負荷 ${n}`, family_name: 'Load', given_name: String(n) },
}));

/** Most milliseconds of processor time for a flow. */
const targets = {
  sqlite: { sso: { ES256: 1.0, RS256: 1.8 }, refresh: { ES256: 0.6 }, login: { ES256: 46 }, discovery: 0.03, jwks: 0.03 },
  postgres: { sso: { ES256: 1.8, RS256: 2.6 }, refresh: { ES256: 1.0 }, login: { ES256: 46 }, discovery: 0.03, jwks: 0.03 },
};

/** Processor time in milliseconds of a fixed piece of work: how fast this machine is now, beside whatever else it does. */
function yardstick() {
  const before = process.cpuUsage();
  for (let n = 0; n < 20; n += 1) pbkdf2Sync('password', 'salt', 20_000, 32, 'sha256');
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / 20;
}

const rows = [];
const say = (what, value, unit, target) => {
  const reached = target === undefined ? '' : value <= target ? 'reached' : 'MISSED';
  rows.push([what, typeof value === 'number' ? value.toFixed(value < 10 ? 3 : 1) : value, unit, target ?? '', reached]);
  console.error(rows.at(-1).join('  '));
};

async function startTime(provider) {
  const started = process.hrtime.bigint();
  await provider.start({ wait: false });
  for (;;) {
    const answer = await request(`${provider.origin}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return Number(process.hrtime.bigint() - started) / 1e6;
    if (provider.exit) throw new Error(provider.log);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function storm(provider) {
  const visitor = new Visitor();
  await visitor.visit(`${provider.issuer()}/login`);
  await visitor.fill({ login_id: accounts[0].login_id, password: accounts[0].password, second_password: accounts[0].second_password });
  const { url, headers, body } = visitor.submission('login');
  const cookie = visitor.jar.header('127.0.0.1');
  const answers = await Promise.all(Array.from({ length: 300 }, () => request(url, { method: 'POST', body, timeout: 60_000, headers: { ...headers, cookie, origin: provider.origin } })));
  const by = {};
  for (const { status } of answers) by[status] = (by[status] ?? 0) + 1;
  return by;
}

say('size of the program', statSync(program).size / 1024 / 1024, 'MiB');
const measured = [yardstick()];
for (const kind of databases.split(' ')) {
  // A first start makes the schema, the master key and the tenant's signing keys, two of them RSA: chance decides how long.
  const firsts = [];
  for (let n = 0; n < 5; n += 1) {
    const fresh = await Provider.prepare({ database: kind, tenants: [], settings: { tenants: { folders: [path.join(root, 'tenants', 'certificate')] } } });
    try { firsts.push(await startTime(fresh)); } finally { await fresh.end(); }
  }
  firsts.sort((a, b) => a - b);
  say(`${kind}: start on nothing, with a tenant`, firsts[2], `ms (${Math.round(firsts[0])} to ${Math.round(firsts[4])})`, 1_000);
  const provider = await Provider.prepare({ database: kind, tenants: [] });
  try {
    await provider.applyTenant('certificate');
    await provider.createAccount(accounts);
    for (const alg of algorithms.split(' ')) {
      await provider.registerClient({
        client_id: `load-${alg.toLowerCase()}`, client_secret: `load-secret-${alg}-0123456789`, client_name: 'Load', redirect_uris: [callback], first_party: false,
        grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: alg,
      });
    }
    await provider.start();
    await request(`${provider.issuer()}/jwks`);
    await provider.stop();
    const starts = [];
    for (let n = 0; n < 5; n += 1) {
      starts.push(await startTime(provider));
      if (n < 4) await provider.stop();
    }
    say(`${kind}: start on existing data`, starts.sort((a, b) => a - b)[2], 'ms', 60);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    say(`${kind}: memory when idle`, (await provider.usage()).rss, 'MiB', 20);
    const pids = ['--pid', String(provider.pid), ...(kind === 'postgres' ? ['--pid', `pg=${process.env.MADOGUCHI_TEST_POSTGRES_PID}`] : [])];
    const measure = async (alg, scenario, options) => {
      const description = path.join(provider.directory, `${alg}.json`);
      await writeFile(description, JSON.stringify({
        name: 'madoguchi', issuer: provider.issuer(),
        client: { id: `load-${alg.toLowerCase()}`, secret: `load-secret-${alg}-0123456789`, auth: 'basic', redirect_uri: callback },
        scope: 'openid profile email', offline_scope: 'openid profile email offline_access', offline_params: { prompt: 'consent' },
        users: { name: 'load{n}@example.jp', password: 'LoadPass{n}x', count: 20 },
        pages: [
          { body_contains: 'name="login_id"', form: { fill: { login_id: '{user}', password: '{password}', second_password: 'Second{password}' }, press: 'login' } },
          { body_contains: 'id="allow"', form: { press: 'allow' } },
        ],
      }));
      const { code, stdout, stderr } = await command(generator, [description, scenario, ...options, ...pids, '--label', `${kind}-${alg}`], { timeout: 400_000 });
      if (code !== 0) throw new Error(`${scenario}: ${stderr}${stdout}`);
      const result = JSON.parse(stdout.slice(stdout.indexOf('{')));
      if (result.failures) console.error(`${scenario}: ${result.failures} failures ${JSON.stringify(result.samples ?? result.failure_samples ?? {})}`);
      return result;
    };
    if (kind === 'postgres') {
      // A cluster that has just been made knows nothing of its tables; autovacuum looks at them once a minute.
      await measure('ES256', 'sso', ['--vus', '8', '--secs', '3']);
      await provider.database.execute('analyze');
    }
    for (const scenario of ['discovery', 'jwks']) {
      const { server_cpu_s_per_1000: cpu } = await measure('ES256', scenario, ['--vus', '8', '--secs', seconds]);
      say(`${kind}: ${scenario}`, cpu, 'ms CPU', targets[kind][scenario]);
    }
    for (const alg of algorithms.split(' ')) {
      // the two hashes of a login cost the same whatever signs
      for (const [scenario, vus] of [['sso', '8'], ['refresh', '8'], ['login', '4']].slice(0, alg === algorithms.split(' ')[0] ? 3 : 2)) {
        const { server_cpu_s_per_1000: cpu, flows_per_s: rate, p99_ms: slow } = await measure(alg, scenario, ['--vus', vus, '--secs', seconds]);
        measured.push(yardstick());
        say(`${kind} ${alg}: ${scenario}`, cpu, `ms CPU (${Math.round(rate ?? 0)}/s, p99 ${Math.round(slow ?? 0)} ms)`, targets[kind][scenario][alg]);
      }
    }
    // hashing gives its buffers back when it has had nothing to do for two seconds
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    say(`${kind}: memory after load`, (await provider.usage()).rss, 'MiB', 40);
    const answers = await storm(provider);
    const { rss, peak } = await provider.usage();
    say(`${kind}: 300 logins at once, answers`, JSON.stringify(answers), '');
    say(`${kind}: memory at most`, peak, `MiB (${Math.round(rss)} right after)`);
  } finally {
    await provider.end();
  }
}

say('yardstick: 20 000 rounds of PBKDF2', Math.min(...measured), `ms CPU (up to ${Math.max(...measured).toFixed(1)} while measuring)`);

const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => String(row[column]).length), 6));
const line = (row) => `| ${row.map((cell, column) => String(cell)[column === 0 || column === 2 || column === 4 ? 'padEnd' : 'padStart'](widths[column])).join(' | ')} |`;
console.log([line(['what', 'value', 'unit', 'target', '']), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n'));
