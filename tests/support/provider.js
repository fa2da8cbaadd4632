// Starts the real program with a configuration, data folder, database and mail server of its own, and stops it.

import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase } from './database.js';
import { freePort, request, until } from './http.js';
import { MailSink } from './mail.js';

/** The repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The program under test. */
export const program = process.env.MADOGUCHI_BIN ?? path.join(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug', 'madoguchi');

const fakeTime = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'];

/** Runs a command to its end: `{code, signal, stdout, stderr, took}`. */
export function command(file, args, { cwd = root, env = {}, timeout = 30_000, input } = {}) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => { stdout += chunk; });
    child.stderr.on('data', (chunk) => { stderr += chunk; });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, took: Date.now() - started });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

/** TOML for a plain object of scalars, arrays of strings and tables. */
export function toml(settings) {
  const lines = [];
  const write = (table, prefix) => {
    const scalars = Object.entries(table).filter(([, v]) => v !== undefined && (typeof v !== 'object' || Array.isArray(v)));
    if (prefix && scalars.length) lines.push(`[${prefix}]`);
    for (const [key, value] of scalars) lines.push(`${key} = ${JSON.stringify(value)}`);
    for (const [key, value] of Object.entries(table)) {
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) write(value, prefix ? `${prefix}.${key}` : key);
    }
  };
  write(settings, '');
  return `${lines.join('\n')}\n`;
}

function merge(base, over) {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = value !== null && typeof value === 'object' && !Array.isArray(value) && typeof base[key] === 'object';
    result[key] = both ? merge(base[key], value) : value;
  }
  return result;
}

export class Provider {
  /**
   * Prepares folder, database, mail server and configuration; applies the tenants. Does not start the server.
   * @param {object} options
   * @param {'sqlite'|'postgres'} options.database
   * @param {object} [options.settings] merged over the usual ones
   * @param {string[]} [options.tenants] folders under `tenants/`, applied in this order
   * @param {(files: {read, write}, slug: string) => Promise<void>} [options.edit] changes a tenant's files before they are applied
   * @param {boolean} [options.clock] start under libfaketime, so that `advance` moves the program's time
   * @param {boolean} [options.limits] the rate limits, off unless a test is about them
   */
  static async prepare({ database, settings = {}, tenants = ['certificate'], edit, clock = false, limits = false, env = {}, tls = false } = {}) {
    if (!existsSync(program)) throw new Error(`${program} is not built`);
    const self = new Provider();
    self.directory = await mkdtemp(path.join(tmpdir(), 'madoguchi-'));
    self.database = await createDatabase(database, self.directory);
    self.mail = await MailSink.open();
    self.port = await freePort();
    self.managementPort = await freePort();
    self.origin = `${tls ? 'https' : 'http'}://127.0.0.1:${self.port}`;
    self.env = env;
    self.log = '';
    self.settings = merge({
      data_dir: path.join(self.directory, 'data'),
      server: {
        listen: `127.0.0.1:${self.port}`,
        public_url: self.origin,
        management_listen: `127.0.0.1:${self.managementPort}`,
      },
      database: { url: self.database.url },
      mail: { url: self.mail.url },
      limits: { enabled: limits },
      verifiers: { residence: { csv: path.join(root, 'tenants', 'residence', 'demo', 'records.csv'), code: 'card-not-matched' } },
    }, settings);
    self.origin = self.settings.server.public_url;
    self.config = path.join(self.directory, 'madoguchi.toml');
    await mkdir(self.settings.data_dir, { recursive: true });
    await writeFile(self.config, toml(self.settings));
    if (clock) {
      const library = fakeTime.find(existsSync);
      if (!library) throw new Error('libfaketime is not installed');
      self.clockFile = path.join(self.directory, 'clock');
      self.offset = 0;
      await writeFile(self.clockFile, '+0\n');
      self.env = {
        ...self.env,
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: self.clockFile,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      };
    }
    for (const slug of tenants) await self.applyTenant(slug, edit);
    return self;
  }

  /** `prepare` and `start`. */
  static async start(options) {
    const self = await Provider.prepare(options);
    await self.start();
    return self;
  }

  issuer(slug = 'certificate') {
    return `${this.origin}/t/${slug}`;
  }

  /** Copies a shipped tenant, lets `edit` change it, and applies it by the command line. A program that runs has taken it up when this returns. */
  async applyTenant(slug, edit) {
    const folder = path.join(this.directory, 'tenants', slug);
    await rm(folder, { recursive: true, force: true });
    await cp(path.join(root, 'tenants', slug), folder, { recursive: true });
    const files = {
      folder,
      read: (name) => readFile(path.join(folder, name), 'utf8'),
      write: (name, text) => writeFile(path.join(folder, name), text),
    };
    if (edit) await edit(files, slug);
    await this.must(['tenant', 'apply', folder]);
    if (this.child && !this.exit) {
      await until(`the program to serve ${slug}`, async () => (await request(`${this.issuer(slug)}/jwks`, { ca: this.ca })).status === 200, { timeout: 15_000, every: 50 });
      // a change of one that it has is seen within a second
      await new Promise((resolve) => setTimeout(resolve, 1_200));
    }
    return folder;
  }

  /** The program's command line with this configuration. */
  cli(args, options = {}) {
    return command(program, [...args, '--config', this.config], { cwd: this.directory, ...options, env: { ...this.env, ...options.env } });
  }

  /** The same, failing loudly unless it succeeds. */
  async must(args, options) {
    const result = await this.cli(args, options);
    if (result.code !== 0) throw new Error(`madoguchi ${args.join(' ')} ended with ${result.code ?? result.signal}:\n${result.stderr}${result.stdout}`);
    return result;
  }

  /** Writes JSON to a file of its own and gives its path. */
  async file(name, content) {
    const file = path.join(this.directory, name);
    await writeFile(file, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 2));
    return file;
  }

  #files = 0;

  async createAccount(account, tenant = 'certificate') {
    this.#files += 1;
    return this.must(['account', 'create', '--tenant', tenant, '--file', await this.file(`account-${this.#files}.json`, account)]);
  }

  /** Registers a client; gives what the command printed. */
  async registerClient(metadata, tenant = 'certificate') {
    this.#files += 1;
    const { stdout } = await this.must(['client', 'register', '--tenant', tenant, '--file', await this.file(`client-${this.#files}.json`, metadata)]);
    return JSON.parse(stdout);
  }

  async start({ args = ['serve'], wait = true } = {}) {
    const child = spawn(program, [...args, '--config', this.config], {
      cwd: this.directory,
      env: { RUST_BACKTRACE: '1', ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const watch = (chunk) => { this.log += chunk; };
    child.stdout.on('data', watch);
    child.stderr.on('data', watch);
    this.child = child;
    this.exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    this.exit = undefined;
    this.exited.then((exit) => { if (this.child === child) this.exit = exit; });
    if (wait) await this.ready();
    return this;
  }

  /**
   * Starts a second process on the same database, keys and mail server, listening elsewhere; `end` of the first ends it too.
   * Pages and links of both name the first one's address.
   */
  async twin() {
    const other = Object.assign(new Provider(), this, { log: '', child: undefined, exit: undefined });
    other.port = await freePort();
    other.managementPort = await freePort();
    other.env = {
      ...this.env,
      MADOGUCHI_SERVER__LISTEN: `127.0.0.1:${other.port}`,
      MADOGUCHI_SERVER__MANAGEMENT_LISTEN: `127.0.0.1:${other.managementPort}`,
    };
    other.origin = `http://127.0.0.1:${other.port}`;
    await other.start();
    this.twins = [...(this.twins ?? []), other];
    return other;
  }

  async ready() {
    await until('the program to be ready', async () => {
      if (this.exit) return true;
      const answer = await request(`${this.origin.replace(/^https/, 'https')}/readyz`, { timeout: 2_000, ca: this.ca });
      return answer.status === 200;
    }, { timeout: 30_000, every: 25 });
    if (this.exit) throw new Error(`the program ended with ${this.exit.code ?? this.exit.signal}:\n${this.log.slice(-4_000)}`);
  }

  get pid() {
    return this.child.pid;
  }

  /** Asks it to stop and waits. */
  async stop(signal = 'SIGTERM') {
    if (this.child && !this.exit) {
      this.child.kill(signal);
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
      await this.exited;
      clearTimeout(timer);
    }
    return this.exit;
  }

  async kill() {
    return this.stop('SIGKILL');
  }

  /** Moves the program's clock forward (needs `clock: true`). */
  async advance(seconds) {
    this.offset += seconds;
    await writeFile(this.clockFile, `+${this.offset}\n`);
  }

  /** Sets the program's clock to the beginning of this second (Unix time; needs `clock: true`). */
  async clockTo(second) {
    await new Promise((resolve) => setTimeout(resolve, 1_000 - (Date.now() % 1_000)));
    this.offset = second - Math.floor(Date.now() / 1_000);
    await writeFile(this.clockFile, `${this.offset < 0 ? '' : '+'}${this.offset}\n`);
  }

  /** Resident and peak memory in MiB, processor time in milliseconds. */
  async usage() {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const mib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return { rss: mib('VmRSS'), peak: mib('VmHWM'), cpu: (Number(fields[11]) + Number(fields[12])) * 10 };
  }

  /** Stops it and removes what it had. Shows the log's end when something failed and MADOGUCHI_TEST_LOGS is set. */
  async end() {
    for (const twin of this.twins ?? []) await twin.stop();
    await this.stop();
    if (process.env.MADOGUCHI_TEST_LOGS) process.stderr.write(this.log);
    await this.mail.close();
    await this.database.drop();
    if (!process.env.MADOGUCHI_TEST_KEEP) await rm(this.directory, { recursive: true, force: true });
  }
}

/** Starts `madoguchi demo` in an empty folder. */
export async function startDemo({ port, managementPort } = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'madoguchi-demo-'));
  const listen = port ?? await freePort();
  const management = managementPort ?? await freePort();
  const env = {
    MADOGUCHI_DATA_DIR: path.join(directory, 'data'),
    MADOGUCHI_SERVER__LISTEN: `127.0.0.1:${listen}`,
    MADOGUCHI_SERVER__PUBLIC_URL: `http://127.0.0.1:${listen}`,
    MADOGUCHI_SERVER__MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
  };
  const self = new Provider();
  Object.assign(self, {
    directory, port: listen, managementPort: management, env, origin: `http://127.0.0.1:${listen}`, log: '',
    database: { drop: async () => {} }, mail: { close: async () => {} },
  });
  self.start = async function start() {
    const child = spawn(program, ['demo'], { cwd: directory, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => { self.log += chunk; });
    child.stderr.on('data', (chunk) => { self.log += chunk; });
    self.child = child;
    self.exit = undefined;
    self.exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    self.exited.then((exit) => { if (self.child === child) self.exit = exit; });
    await self.ready();
    return self;
  };
  return self.start();
}
