// The command line and the settings: what works, and that what does not says where and why.

import assert from 'node:assert/strict';
import { readFile, stat, writeFile, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { databases } from '../support/database.js';
import { freePort, request } from '../support/http.js';
import { expectPage, signIn } from '../support/journey.js';
import { graduate, newAddress } from '../support/people.js';
import { clients, refresh, signedIn, tokens, verified } from '../support/protocol.js';
import { Provider, command, program, toml } from '../support/provider.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

describe('command line', () => {
  it('--help names every command, --version the version', async () => {
    const help = await command(program, ['--help']);
    assert.equal(help.code, 0);
    for (const name of ['demo', 'serve', 'check', 'tenant', 'client', 'account', 'keys', 'roster', 'completions']) assert.match(help.stdout, new RegExp(`\\b${name}\\b`));
    const version = await command(program, ['--version']);
    assert.match(version.stdout, /madoguchi \d+\.\d+\.\d+/);
  });

  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`completions for ${shell}`, async () => {
      const { code, stdout } = await command(program, ['completions', shell]);
      assert.equal(code, 0);
      assert.match(stdout, /madoguchi/);
    });
  }

  for (const args of [['nonsense'], ['serve', '--nonsense'], ['tenant'], ['tenant', 'apply'], ['client', 'register'], ['account', 'create', '--tenant'], ['keys', 'rotate'], ['completions', 'nonsense']]) {
    it(`\`madoguchi ${args.join(' ')}\` says what is missing and exits with 2`, async () => {
      const { code, stderr } = await command(program, args);
      assert.equal(code, 2);
      assert.match(stderr, /error|Usage/);
    });
  }
});

describe('settings', () => {
  let folder;
  let free;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'madoguchi-settings-'));
    free = await freePort();
  });

  const good = () => ({
    data_dir: path.join(folder, 'data'),
    server: { listen: `127.0.0.1:${free}`, public_url: `http://127.0.0.1:${free}`, management_listen: '127.0.0.1:0' },
    database: { url: `sqlite:${path.join(folder, 'madoguchi.sqlite')}` },
    mail: { url: `file:${path.join(folder, 'mail')}` },
  });
  const write = async (text) => {
    const file = path.join(folder, `settings-${Math.random().toString(36).slice(2)}.toml`);
    await writeFile(file, typeof text === 'string' ? text : toml(text));
    return file;
  };
  /** Starts `serve`, which must end by itself. */
  const refusal = async (text, env = {}) => {
    const file = await write(text);
    const result = await command(program, ['serve', '--config', file], { cwd: folder, env, timeout: 10_000 });
    assert.equal(result.signal, null, `it started: ${result.stdout}${result.stderr}`);
    assert.notEqual(result.code, 0);
    assert.doesNotMatch(result.stderr, /panicked/);
    return { ...result, file, said: result.stderr + result.stdout };
  };

  for (const [what, change, part, expected] of [
    ['an unknown key', (text) => text.replace('[server]', '[server]\nlisten_adress = "x"'), 'listen_adress', /listen_adress/],
    ['an unknown section', (text) => `${text}[servers]\nx = 1\n`, '[servers]', /servers/],
    ['an address that is none', (text) => text.replace(/listen = "[^"]*"/, 'listen = "nonsense"'), 'listen = "nonsense"', /listen|address/i],
    ['a URL that is none', (text) => text.replace(/public_url = "[^"]*"/, 'public_url = "not a url"'), 'not a url', /public_url|URL/i],
    ['a database of an unknown kind', (text) => text.replace(/url = "sqlite[^"]*"/, 'url = "mysql://x/y"'), 'mysql', /sqlite|postgres/],
    ['a mail URL of an unknown kind', (text) => text.replace(/url = "file[^"]*"/, 'url = "pigeon://x"'), 'pigeon', /smtp|file/],
    ['a number where a switch belongs', (text) => `${text}[limits]\nenabled = 7\n`, 'enabled = 7', /bool|true/i],
    ['TOML that is none', (text) => `${text}[limits\n`, '[limits', /.+/],
    ['the same key twice', (text) => text.replace('[server]', '[server]\nlisten = "127.0.0.1:1"'), 'listen', /listen|duplicate/i],
  ]) {
    it(`serve refuses ${what} with file, line and what was expected`, async () => {
      const text = change(toml(good()));
      const { said, file } = await refusal(text);
      assert.ok(said.includes(path.basename(file)), said);
      const lines = text.split('\n').map((line, n) => [line, n + 1]).filter(([line]) => line.includes(part)).map(([, n]) => n);
      assert.ok(lines.some((line) => new RegExp(`[:\\s]${line}\\b`).test(said)), `line ${lines} in: ${said}`);
      assert.match(said, expected);
    });
  }

  it('a bad value in the environment is refused with the variable’s name', async () => {
    const { said } = await refusal(good(), { MADOGUCHI_SERVER__LISTEN: 'nonsense' });
    assert.match(said, /MADOGUCHI_SERVER__LISTEN/);
  });

  it('an unknown variable of ours in the environment is refused', async () => {
    const { said } = await refusal(good(), { MADOGUCHI_SERVER__NONSENSE: '1' });
    assert.match(said, /MADOGUCHI_SERVER__NONSENSE/i);
  });

  it('a missing file is refused by name', async () => {
    const { code, stderr, stdout } = await command(program, ['serve', '--config', path.join(folder, 'absent.toml')]);
    assert.notEqual(code, 0);
    assert.match(stderr + stdout, /absent\.toml/);
  });

  for (const [what, change] of [
    ['http on a name that is not loopback', { server: { public_url: 'http://id.example.jp' } }],
    ['a certificate without a key', { server: { tls: { cert: '/nonexistent/cert.pem' } } }],
    ['a certificate that cannot be read', { server: { tls: { cert: '/nonexistent/cert.pem', key: '/nonexistent/key.pem' } } }],
  ]) {
    it(`serve refuses ${what}`, async () => {
      const settings = good();
      Object.assign(settings.server, change.server);
      const { said } = await refusal(settings);
      assert.match(said, /public_url|https|tls|cert|key/i);
    });
  }

  it('an unreachable database is told as such, without the password in its URL', async () => {
    const settings = good();
    settings.database.url = 'postgres://someone:CANARYpassword@127.0.0.1:1/none';
    const { said } = await refusal(settings);
    assert.match(said, /database|postgres|connect/i);
    assert.doesNotMatch(said, /CANARYpassword/);
  });

  it('check finds nothing wrong with good settings and good tenants, and each problem of bad ones', async () => {
    const file = await write(good());
    const fine = await command(program, ['check', '--config', file], { cwd: folder });
    assert.equal(fine.code, 0, fine.stdout + fine.stderr);
    const broken = await command(program, ['check', '--config', await write(`${toml(good())}[limits]\nenabled = 3\nnonsense = 1\n`)], { cwd: folder });
    assert.equal(broken.code, 1);
    assert.match(broken.stdout + broken.stderr, /:\d+: .*(nonsense|enabled|boolean)/);
    const unreachable = await command(program, ['check', '--config', await write({ ...good(), mail: { url: 'smtp://127.0.0.1:1' } })], { cwd: folder });
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.stdout + unreachable.stderr, /mail|smtp/i);
  });
});

onEachDatabase('tenants as files', { accounts: everybody }, (at) => {
  const bad = async (name, change) => {
    const folder = path.join(at.provider.directory, 'broken');
    await at.provider.applyTenant('certificate');
    await command('cp', ['-r', path.join(at.provider.directory, 'tenants', 'certificate'), `${folder}`]);
    const file = path.join(folder, name);
    const text = await readFile(file, 'utf8').catch(() => '');
    const changed = change(text);
    await writeFile(file, changed);
    const result = await at.provider.cli(['tenant', 'apply', folder]);
    await command('rm', ['-rf', folder]);
    return { ...result, said: result.stderr + result.stdout, text: changed };
  };

  it('list shows what is applied; applying the same again is no new version', async () => {
    const before = (await at.provider.must(['tenant', 'list'])).stdout;
    assert.match(before, /certificate/);
    await at.provider.applyTenant('certificate');
    assert.equal((await at.provider.must(['tenant', 'list'])).stdout, before);
  });

  it('diff shows what would change and changes nothing; export gives back what was applied', async () => {
    const folder = path.join(at.provider.directory, 'tenants', 'certificate');
    const file = path.join(folder, 'tenant.toml');
    const text = await readFile(file, 'utf8');
    const same = await at.provider.cli(['tenant', 'diff', folder]);
    assert.equal(same.code, 0, same.stderr);
    await writeFile(file, text.replace(/expected_days = \d+/, 'expected_days = 9'));
    const different = await at.provider.cli(['tenant', 'diff', folder]);
    assert.match(different.stdout, /expected_days/);
    await writeFile(file, text);
    const out = path.join(at.provider.directory, 'exported');
    await mkdir(out, { recursive: true });
    const { stdout } = await at.provider.must(['tenant', 'export', 'certificate'], { cwd: out });
    const found = [path.join(out, 'certificate', 'tenant.toml'), path.join(out, 'tenant.toml')];
    const exported = await Promise.any(found.map((one) => readFile(one, 'utf8'))).catch(() => stdout);
    assert.ok(exported.includes(text.trim()), 'tenant.toml comes back as it was');
  });

  for (const [what, name, change, expected] of [
    ['an unknown key', 'tenant.toml', (text) => `nonsense = 1\n${text}`, /nonsense/],
    ['a bad colour', 'tenant.toml', (text) => `${text}\n`.replace(/(\[branding\]\n)?$/, '\n[branding]\nprimary = "not-a-colour"\n').replace(/\[branding\]\n[^[]*\[branding\]/, '[branding]'), /colou?r|primary|branding|duplicate/i],
    ['a colour without contrast', 'tenant.toml', (text) => (/\[branding\]/.test(text) ? text.replace(/\[branding\][^[]*/, '[branding]\naccent = "#fefefe"\n\n') : `${text}\n[branding]\naccent = "#fefefe"\n`), /contrast|accent/i],
    ['a password shorter than the floor', 'tenant.toml', (text) => text.replace(/\[password\]\n/, '[password]\nmin_length = 4\n').replace(/min_length = 4\n([^[]*)min_length = \d+\n/, 'min_length = 4\n$1'), /min_length|password/i],
    ['a theme that is not there', 'tenant.toml', (text) => text.replace(/^theme = .*$/m, 'theme = "nowhere"'), /theme|nowhere/],
    ['a field of an unknown type', 'form.toml', (text) => text.replace(/type = "kana"/, 'type = "rune"'), /rune|type/],
    ['two fields with one key', 'form.toml', (text) => text.replace(/key = "name_kana"/, 'key = "name"'), /name/],
    ['a department without its school', 'affiliations.csv', (text) => `${text.trimEnd()}\nlost,nowhere,迷子,Lost\n`, /nowhere|lost|parent/],
    ['a client with a fragment in its redirect URI', 'clients.toml', (text) => text.replace(/redirect_uris = \["[^"]*/, '$&#fragment'), /redirect|fragment/i],
  ]) {
    it(`apply refuses ${what} with file and line, and keeps the version in force`, async () => {
      await at.provider.applyTenant('certificate');
      const list = (await at.provider.must(['tenant', 'list'])).stdout;
      const result = await bad(name, change);
      assert.notEqual(result.code, 0, result.said);
      assert.ok(result.said.includes(name), result.said);
      assert.match(result.said, /:\d+|line \d+/, result.said);
      assert.match(result.said, expected);
      assert.doesNotMatch(result.said, /panicked/);
      assert.equal((await at.provider.must(['tenant', 'list'])).stdout, list);
    });
  }

  it('a changed text is on the pages of the running program without a restart', async () => {
    const before = await request(`${at.provider.issuer()}/login`);
    assert.ok(!before.text.includes('試験サービス'));
    await at.provider.applyTenant('certificate', async ({ read, write }) => {
      const text = await read('tenant.toml');
      await write('tenant.toml', text.replace(/^service_name = .*$/m, 'service_name = { ja = "試験サービス", en = "Test service" }').replace(/\[service_name\]\n(?:[a-z]+ = .*\n)+/, ''));
    });
    const { until } = await import('../support/http.js');
    await until('the new version to show', async () => (await request(`${at.provider.issuer()}/login`)).text.includes('試験サービス'));
    await at.provider.applyTenant('certificate');
  });
});

onEachDatabase('clients, accounts, roster, keys', { accounts: everybody, clients: everyClient }, (at) => {
  it('client register keeps a given id and secret, makes missing ones, and prints the metadata', async () => {
    const kept = await at.provider.registerClient({ client_id: 'kept-app', client_secret: 'kept-secret-0123456789', client_name: 'Kept', redirect_uris: ['https://kept.example/cb'] });
    assert.equal(kept.client_id, 'kept-app');
    assert.equal(kept.client_secret, 'kept-secret-0123456789');
    const made = await at.provider.registerClient({ client_name: 'Made', redirect_uris: ['https://made.example/cb'] });
    assert.ok(made.client_id.length >= 8);
    assert.ok(made.client_secret.length >= 32);
    assert.deepEqual(made.redirect_uris, ['https://made.example/cb']);
    assert.notEqual(made.client_id, (await at.provider.registerClient({ client_name: 'Made', redirect_uris: ['https://made.example/cb'] })).client_id);
    const rows = JSON.stringify(await at.provider.database.rows('SELECT * FROM clients'));
    assert.ok(!rows.includes(made.client_secret) && !rows.includes('kept-secret-0123456789'), 'secrets are kept as hashes');
  });

  for (const [what, metadata] of Object.entries({
    'a fragment': { redirect_uris: ['https://a.example/cb#x'] },
    'user information': { redirect_uris: ['https://user:pw@a.example/cb'] },
    'a wildcard': { redirect_uris: ['https://*.a.example/cb'] },
    'plain http': { redirect_uris: ['http://a.example/cb'] },
    javascript: { redirect_uris: ['javascript:alert(1)'] },
    'data:': { redirect_uris: ['data:text/html,x'] },
    'a control character': { redirect_uris: ['https://a.example/\u0001cb'] },
    'a relative URI': { redirect_uris: ['/cb'] },
    'no redirect URI': { redirect_uris: [] },
    'an unknown member': { redirect_uris: ['https://a.example/cb'], nonsense_member: 1 },
    'an unknown authentication method': { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'magic' },
    'an unknown algorithm': { redirect_uris: ['https://a.example/cb'], id_token_signed_response_alg: 'none' },
    'HS256': { redirect_uris: ['https://a.example/cb'], id_token_signed_response_alg: 'HS256' },
    'private_key_jwt without keys': { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'private_key_jwt' },
    'a public client without PKCE': { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'none', require_pkce: false },
    'a public client with a secret': { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'none', client_secret: 'x'.repeat(30) },
    'a javascript logo': { redirect_uris: ['https://a.example/cb'], logo_uri: 'javascript:alert(1)' },
    'a javascript policy': { redirect_uris: ['https://a.example/cb'], policy_uri: 'javascript:alert(1)' },
    'the implicit flow': { redirect_uris: ['https://a.example/cb'], response_types: ['token'] },
    'a private key': { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM', d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE' }] } },
  })) {
    it(`client register refuses ${what}`, async () => {
      const file = await at.provider.file('bad-client.json', { client_name: 'Bad', ...metadata });
      const { code, stderr } = await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', file]);
      assert.notEqual(code, 0);
      assert.ok(stderr.length > 10);
      assert.doesNotMatch(stderr, /panicked/);
    });
  }

  it('an account made at the command line logs in; show prints it without secrets; the same again is refused', async () => {
    const email = newAddress('cli');
    const account = { login_id: email, email, password: 'Meirei2024sakura', second_password: 'Momiji77betsu', claims: { name: '命令 一', family_name: 'Meirei' }, student_ids: ['9ZZ00001'] };
    await at.provider.createAccount(account);
    await expectPage(await signIn(new Visitor(), at.provider, account), 'top');
    const { stdout } = await at.provider.must(['account', 'show', '--tenant', 'certificate', email]);
    assert.match(stdout, /9ZZ00001/);
    assert.doesNotMatch(stdout, /Meirei2024|argon2/);
    const file = await at.provider.file('twice.json', account);
    const again = await at.provider.cli(['account', 'create', '--tenant', 'certificate', '--file', file]);
    assert.notEqual(again.code, 0);
    assert.match(again.stderr, /exist|already|in use/i);
  });

  for (const [what, change] of Object.entries({
    'an unknown member': { nonsense: 1 },
    'a password against the policy': { password: 'short' },
    'equal passwords': { second_password: 'Kobamu2024sakura' },
    'an address that is none': { email: 'nonsense', login_id: 'nonsense' },
    'an unknown role': { staff_roles: ['emperor'] },
    'a reserved claim': { claims: { sub: 'root', iss: 'https://evil.example' } },
  })) {
    it(`account create refuses ${what}`, async () => {
      const email = newAddress('refused');
      const file = await at.provider.file('refused.json', { login_id: email, email, password: 'Kobamu2024sakura', second_password: 'Momiji77betsu', ...change });
      const { code, stderr } = await at.provider.cli(['account', 'create', '--tenant', 'certificate', '--file', file]);
      assert.notEqual(code, 0);
      assert.doesNotMatch(stderr, /panicked|Kobamu2024/);
    });
  }

  it('an unknown tenant, account or file is named', async () => {
    const unknown = await at.provider.cli(['account', 'show', '--tenant', 'nowhere', 'x@example.jp']);
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /nowhere/);
    const nobody = await at.provider.cli(['account', 'show', '--tenant', 'certificate', 'nobody@example.jp']);
    assert.notEqual(nobody.code, 0);
    const absent = await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', '/nonexistent.json']);
    assert.match(absent.stderr, /nonexistent\.json/);
  });

  it('roster import takes UTF-8 and CP932, says each wrong line, and --dry-run changes nothing', async () => {
    const rows = async () => Number((await at.provider.database.rows('SELECT count(*) AS n FROM roster'))[0].n);
    const utf8 = await at.provider.file('utf8.csv', '\ufeff学籍番号,氏名,フリガナ,生年月日\r\n1TE00001,髙﨑 神𠮷,タカサキ シンキチ,1990-01-02\r\n1TE00002,山田 花子,ﾔﾏﾀﾞ ﾊﾅｺ,1991/3/4\r\n');
    const start = await rows();
    const dry = await at.provider.must(['roster', 'import', '--tenant', 'certificate', '--file', utf8, '--dry-run']);
    assert.match(dry.stdout, /2/);
    assert.equal(await rows(), start);
    await at.provider.must(['roster', 'import', '--tenant', 'certificate', '--file', utf8]);
    assert.equal(await rows(), 2);
    const cp932 = await at.provider.file('cp932.csv', Buffer.from('8a77 90d0 94d4 8d86 2c 8e81 96bc 2c 83 74 83 8a 83 4b 83 69 2c 90 b6 94 4e 8c 8e 93 fa 0d 0a 31 54 45 30 30 30 30 33 2c 8e 52 93 63 20 91 be 98 59 2c 83 84 83 7d 83 5f 20 83 5e 83 8d 83 45 2c 31 39 39 30 2d 30 34 2d 30 32 0d 0a'.replace(/ /g, ''), 'hex'));
    await at.provider.must(['roster', 'import', '--tenant', 'certificate', '--file', cp932]);
    const [{ n }] = await at.provider.database.rows("SELECT count(*) AS n FROM roster WHERE student_id_key LIKE '%1te00003%' OR student_id_key LIKE '%1TE00003%'");
    assert.equal(Number(n), 1);
    const bad = await at.provider.file('bad.csv', '学籍番号,氏名,フリガナ,生年月日\r\n1TE00009,山田 太郎,ヤマダ タロウ,1990-13-45\r\n');
    const refused = await at.provider.cli(['roster', 'import', '--tenant', 'certificate', '--file', bad]);
    assert.match(refused.stdout + refused.stderr, /2/, 'the line');
    const nonsense = await at.provider.file('nonsense.csv', 'a,b,c\n1,2,3\n');
    assert.notEqual((await at.provider.cli(['roster', 'import', '--tenant', 'certificate', '--file', nonsense])).code, 0);
  });

  it('keys rotate gives a new signing key at once; the old one stays published and old tokens stay good', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const before = await tokens(visitor, at.provider, clients.first);
    const { protectedHeader: old } = await verified(at.provider, before.id_token, clients.first);
    const listed = (await at.provider.must(['keys', 'list', '--tenant', 'certificate'])).stdout;
    assert.match(listed, new RegExp(old.kid));
    await at.provider.must(['keys', 'rotate', '--tenant', 'certificate']);
    const { until } = await import('../support/http.js');
    await until('a token with the new key', async () => {
      const { id_token: jwt } = await tokens(visitor, at.provider, clients.first);
      const { protectedHeader } = await verified(at.provider, jwt, clients.first);
      return protectedHeader.kid !== old.kid;
    });
    await verified(at.provider, before.id_token, clients.first);
    const renewed = await refresh(at.provider, clients.first, before.refresh_token);
    assert.equal(renewed.status, 200, renewed.text);
  });

  it('signing keys and secrets cannot be read in the database', async () => {
    const dump = JSON.stringify(await at.provider.database.rows('SELECT kid, alg, state, public_jwk FROM signing_keys'));
    assert.doesNotMatch(dump, /"d"|PRIVATE/);
    const sealed = await at.provider.database.rows(at.kind === 'sqlite' ? 'SELECT hex(sealed_private) AS h FROM signing_keys' : "SELECT encode(sealed_private, 'hex') AS h FROM signing_keys");
    assert.ok(sealed.length >= 4);
    // a PKCS#8 document begins with a SEQUENCE
    for (const { h } of sealed) assert.doesNotMatch(h.toLowerCase(), /^30(82|81)?/);
    const accounts = JSON.stringify(await at.provider.database.rows('SELECT * FROM credentials'));
    assert.match(accounts, /\$argon2id\$/);
    assert.doesNotMatch(accounts, /Graduate2024x|Certificate2024x/);
  });
});

describe('serve', () => {
  for (const kind of databases) {
    it(`the demo accounts do not exist in production (${kind})`, async () => {
      const provider = await Provider.start({ database: kind });
      try {
        for (const [id, password, second] of [['graduate@example.jp', 'Graduate2024', 'Certificate2024'], ['clerk@example.jp', 'Counter2024', 'Register2024'], ['newcomer@example.jp', 'Initial2024', '']]) {
          const visitor = new Visitor();
          await visitor.visit(`${provider.issuer()}/login`);
          await visitor.fill({ login_id: id, password, second_password: second });
          await visitor.press('login');
          await expectPage(visitor, 'login');
        }
        assert.equal((await request(`${provider.origin}/dev/mail`)).status, 404);
        assert.equal((await request(`${provider.origin}/dev/mail.json`)).status, 404);
        const authorize = await request(`${provider.issuer()}/authorize?client_id=demo-rp&response_type=code&redirect_uri=http://127.0.0.1/callback&scope=openid`);
        assert.equal(authorize.status, 400);
      } finally {
        await provider.end();
      }
    });

    it(`a lost or wrong master key stops the start and makes no new keys (${kind})`, async () => {
      const provider = await Provider.start({ database: kind });
      try {
        const kids = async () => (await provider.database.rows('SELECT kid FROM signing_keys ORDER BY kid')).map(({ kid }) => kid).join();
        await request(`${provider.issuer()}/jwks`);
        const before = await kids();
        await provider.stop();
        const { stdout } = await command('find', [provider.settings.data_dir, '-type', 'f', '-size', '-4k']);
        const keys = [];
        for (const file of stdout.split('\n').filter(Boolean)) if (!/sqlite/.test(file) && (await stat(file)).size >= 16) keys.push(file);
        assert.ok(keys.length >= 1, 'the key stands in a file outside the database');
        for (const file of keys) {
          assert.equal((await stat(file)).mode & 0o077, 0, `${file} is for its owner only`);
          await writeFile(file, Buffer.from('A'.repeat((await stat(file)).size)));
        }
        await provider.start({ wait: false });
        const { code } = await provider.exited;
        assert.notEqual(code, 0);
        assert.match(provider.log, /key/i);
        assert.equal(await kids(), before);
      } finally {
        await provider.end();
      }
    });
  }
});
