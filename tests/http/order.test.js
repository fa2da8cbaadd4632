// Nothing can be reached out of order, and nothing is changed by trying: every step and every duty that is pending, against
// every route that the program has, by GET and by POST, with every form value that its own pages gave.

import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { formBody, request, until } from '../support/http.js';
import { apply, decide, expectPage, fillForm, logIn, openApplication, reachForm, registrationLink, signIn } from '../support/journey.js';
import { clerk, graduate, newAddress } from '../support/people.js';
import { authorization, authorize, clients } from '../support/protocol.js';
import { tenantRoutes } from '../support/routes.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { Visitor } from '../support/visitor.js';

it('the routes are read from the routers', async () => {
  const routes = await tenantRoutes();
  assert.ok(routes.length >= 35, `${routes.length} routes`);
  for (const known of ['/', '/login', '/account', '/register/check', '/authorize', '/token', '/desk/applications/{id}/decision', '/terms', '/forgot/reset']) {
    assert.ok(routes.some(({ path }) => path === known), known);
  }
});

/** Pages that anybody may see, whatever is pending: they show nothing of anybody. */
const open = [
  'home', 'login', 'register', 'register-sent', 'forgot', 'forgot-sent', 'link-problem', 'invalid-operation', 'not-found', 'error', 'manual', 'notices', 'logged-out',
  'session-ended', 'statement', 'messages',
];

onEachDatabase('order', { accounts: everybody, clients: everyClient, tenants: ['certificate', 'residence'] }, (at) => {
  const own = { password: 'Junjo2024sakura', second_password: 'Momiji77betsu' };
  let routes;
  let application;
  before(async () => {
    routes = await tenantRoutes();
    const { reference } = await apply(new Visitor(), at.provider);
    [application] = await at.provider.database.rows(`SELECT id, version, documents FROM applications WHERE reference = '${reference}'`);
  });
  const page = (path) => `${at.provider.issuer()}${path}`;
  const somebody = async (more = {}) => {
    const email = newAddress('ordered');
    const person = { login_id: email, email, ...own, ...more };
    await at.provider.createAccount(person);
    return person;
  };
  const enter = async (person) => {
    const visitor = new Visitor();
    await visitor.visit(page('/login'));
    return logIn(visitor, person);
  };
  const follow = async (visitor, first) => {
    let answer = first;
    while (answer.location && new URL(answer.location).origin === at.provider.origin) answer = await visitor.send(answer.location);
    visitor.show(answer);
    return visitor;
  };
  const asked = async (visitor, client, changes) => follow(visitor, await authorize(visitor, at.provider, authorization(client, changes).parameters));
  const wantsOne = { claims: JSON.stringify({ id_token: { student_id: { essential: true } } }) };

  /** What is pending: how to get there, which of its own pages it may see, and which routes carry it on. */
  const states = {
    'nobody, and nothing begun': { reach: async () => new Visitor(), pages: [], own: ['/login', '/register', '/forgot'] },
    'own passwords to be set': {
      reach: async () => {
        const { login_id: id } = await somebody({ password: undefined, second_password: undefined, initial_password: 'Hajimete2024x' });
        return enter({ login_id: id, password: 'Hajimete2024x', second_password: '' });
      },
      at: 'password-setting', pages: ['password-setting'], own: ['/login', '/register', '/forgot', '/password-setting'],
    },
    'new terms to be agreed to': {
      reach: async () => enter(await somebody({ terms_version: '2001-01-01' })),
      at: 'new-terms', pages: ['new-terms', 'logout', 'session-kept', 'message'], closed: ['home', 'register', 'forgot', 'register-sent', 'forgot-sent'], own: ['/terms', '/logout', '/login', '/end-session', '/back'],
    },
    'new terms in the way of an authorization request': {
      reach: async () => {
        const visitor = await enter(await somebody({ terms_version: '2001-01-01' }));
        return asked(visitor, clients.third, { scope: 'openid' });
      },
      at: 'new-terms', pages: ['new-terms', 'logout', 'session-kept', 'message'], closed: ['home', 'register', 'forgot'], own: ['/terms', '/logout', '/login', '/end-session', '/back', '/authorize/consent'],
    },
    'a student ID to be chosen': {
      reach: async () => asked(await signIn(new Visitor(), at.provider, graduate), clients.first, wantsOne),
      at: 'enrolment-choice', signedIn: true, own: ['/authorize/consent'],
    },
    'consent to be given': {
      reach: async () => asked(await signIn(new Visitor(), at.provider, graduate), clients.third, { scope: 'openid address', prompt: 'consent' }),
      at: 'consent', signedIn: true, own: ['/authorize/consent'],
    },
    'the terms of a registration': {
      reach: async () => {
        const visitor = new Visitor();
        const mail = newAddress('terms');
        await visitor.visit(page('/register'));
        await visitor.fill({ mail, mail_confirm: mail });
        await visitor.press('check');
        return visitor.visit(await registrationLink(at.provider, mail));
      },
      at: 'terms', pages: ['terms'], own: ['/login', '/register', '/forgot', '/register/terms'],
    },
    'a form that is not filled in': {
      reach: async () => {
        const visitor = new Visitor();
        await reachForm(visitor, at.provider);
        return visitor;
      },
      at: 'form', pages: ['terms', 'form'], own: ['/login', '/register', '/forgot', '/register/terms', '/register/form', '/register/postal-code'],
    },
    'an application to be handed in': {
      reach: async () => {
        const visitor = new Visitor();
        await reachForm(visitor, at.provider);
        await fillForm(visitor);
        await visitor.press('check');
        return visitor;
      },
      at: 'check', pages: ['terms', 'form', 'check'], own: ['/login', '/register', '/forgot', '/register/terms', '/register/form', '/register/check', '/register/postal-code'],
    },
    'an application that was handed in': {
      reach: async () => {
        const visitor = new Visitor();
        await apply(visitor, at.provider);
        return visitor;
      },
      at: 'reception', pages: ['reception'], own: ['/login', '/register', '/forgot'],
    },
    'a correction that is asked for': {
      reach: async () => {
        const { mail, reference } = await apply(new Visitor(), at.provider);
        const desk = await signIn(new Visitor(), at.provider, clerk);
        await openApplication(desk, at.provider, reference);
        await decide(desk, 'resubmit', { reason: '番地まで', items: { street: '番地まで' } });
        const { links } = await at.provider.mail.wait(mail, 3);
        return new Visitor().visit(links.find((link) => link.includes('/resubmit/link/')));
      },
      at: 'confirm-link', pages: ['confirm-link'], own: ['/login', '/register', '/forgot', '/resubmit'],
    },
    'forgotten passwords to be set': {
      reach: async () => {
        const { email } = await somebody();
        const visitor = new Visitor();
        await visitor.visit(page('/forgot'));
        await visitor.fill({ mail: email });
        await visitor.press('send');
        const { links } = await at.provider.mail.wait(email);
        return visitor.visit(links.find((link) => link.includes('/forgot/link/')));
      },
      at: 'forgot-reset', pages: ['forgot-reset'], own: ['/login', '/register', '/forgot', '/forgot/reset'],
    },
    'a change of the mail address to be completed': {
      reach: async () => {
        const visitor = await enter(await somebody());
        const mail = newAddress('moving');
        await visitor.visit(page('/account/mail'));
        await visitor.fill({ mail, mail_confirm: mail });
        await visitor.press('check');
        const { links } = await at.provider.mail.wait(mail);
        return new Visitor().visit(links.find((link) => link.includes('/account/mail/link/')));
      },
      at: 'confirm-link', pages: ['confirm-link'], own: ['/login', '/register', '/forgot', '/account/mail/confirm'],
    },
    'somebody signed in who is no reviewer': {
      reach: async () => enter(await somebody()),
      at: 'top', signedIn: true, own: [],
    },
  };

  /** Everything that is kept and not merely counted: how often somebody came, and requests that wait for somebody. */
  const kept = {
    ...Object.fromEntries([
      'accounts', 'credentials', 'enrolments', 'one_time', 'drafts', 'applications', 'decisions', 'approvals', 'grants', 'tokens', 'consents', 'accepted_terms', 'attempts', 'clients',
    ].map((table) => [table, `SELECT * FROM ${table}`])),
    sessions: 'SELECT tenant, id, token_hash, account, account_generation, authenticated_at, expires_at, ended_at, terms_due FROM sessions',
    documents: 'SELECT tenant, id, draft, application, slot, sha256, deleted_at FROM documents',
    outbox: 'SELECT tenant, id, to_address, subject FROM outbox',
    audit: 'SELECT seq, tenant, actor, action, subject, detail FROM audit',
  };
  const snapshot = async () => {
    const found = await at.provider.database.several(kept);
    return Object.fromEntries(Object.entries(found).map(([table, rows]) => [table, rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()]));
  };
  const difference = (a, b) => Object.keys(a).filter((table) => JSON.stringify(a[table]) !== JSON.stringify(b[table]))
    .map((table) => `${table}: ${a[table].length} → ${b[table].length} rows, ${b[table].filter((line) => !a[table].includes(line)).length} of them new or other`);

  /** A route with something in its places: what exists and belongs to others. */
  const filled = (path) => path
    .replace(/\{token\}/, 'A'.repeat(43))
    .replace('{slot}', 'document_front')
    .replace(/\/desk\/documents\/\{id\}/, `/desk/documents/${Object.values(JSON.parse(application.documents))[0] ?? 'none'}`)
    .replace(/\{\w+\}/g, application.id);

  /** Everything that any form of the program may want, so that what stops a request is never a missing value. */
  const everything = (values) => ({
    login_id: graduate.login_id, mail: 'nobody@example.jp', mail_confirm: 'nobody@example.jp', agree: 'yes', version: String(application.version), approve: '1', allow: '1', submit: '1', set: '1', open: '1',
    password: own.password, password_confirm: own.password, second_password: own.second_password, second_password_confirm: own.second_password, reason: '確認しました', check: '1', to: '/account', ...values,
  });

  for (const [name, state] of Object.entries(states)) {
    it(`${name}: no other route gives anything or changes anything`, { timeout: 120_000 }, async () => {
      const visitor = await state.reach();
      if (state.at) await expectPage(visitor, state.at, 'the state is reached');
      // what its own page would send: the strongest values that somebody in this state has
      const hidden = {};
      for (const input of visitor.document?.querySelectorAll('input[type=hidden]') ?? []) hidden[input.getAttribute('name')] = input.getAttribute('value') ?? '';
      const cookie = visitor.jar.header('127.0.0.1');
      const allowed = new Set([...open, ...(state.pages ?? [])]);
      for (const closed of state.closed ?? []) allowed.delete(closed);
      const personal = new Set(['top', 'account', 'desk-queue', 'desk-application', 'desk-preview', 'consent', 'enrolment-choice']);
      const combinations = [];
      for (const { path, methods } of routes) {
        for (const method of ['GET', 'POST']) {
          // what carries the state on is what may be done
          if (method === 'POST' && (state.own.includes(path) || path === '/language')) continue;
          // somebody who is signed in may look at their own account; only what is another's is closed
          if (state.signedIn && !path.startsWith('/desk') && path !== '/token' && path !== '/userinfo') continue;
          combinations.push({ path, method, known: methods.includes(method) });
        }
      }
      const send = async ({ path, method }) => {
        const url = `${at.provider.issuer()}${filled(path)}`;
        const headers = { cookie, origin: at.provider.origin, 'accept-language': 'ja' };
        if (method === 'GET') return request(url, { headers });
        return request(url, { method, headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body: formBody(everything(hidden)) });
      };
      const shown = [];
      const try_ = async (one) => {
        const { path, method, known } = one;
        const answer = await send(one);
        const what = `${method} ${path}`;
        assert.ok(answer.status < 500, `${what}: ${answer.status}`);
        if (!known && method === 'POST') assert.ok([303, 404, 405].includes(answer.status), `${what}: ${answer.status}`);
        const [, seen] = /<body[^>]*data-page="([^"]+)"/.exec(answer.text) ?? [];
        if (seen) {
          shown.push(`${what} → ${answer.status} ${seen}`);
          const fine = state.signedIn ? !seen.startsWith('desk') : allowed.has(seen);
          assert.ok(fine, `${what} shows ${seen} (${answer.status})`);
          if (!state.signedIn) assert.ok(!personal.has(seen), `${what} shows ${seen}`);
        }
        if (answer.status === 303) assert.ok(answer.location.startsWith(at.provider.origin), `${what} leads to ${answer.location}`);
        assert.ok(!answer.headers['content-type']?.startsWith('image/') || path.startsWith('/register/document'), `${what} gives an image`);
        if (answer.status === 200 && /json/.test(answer.headers['content-type'] ?? '')) assert.ok(['/jwks', '/.well-known/openid-configuration', '/register/postal-code', '/register/municipalities'].includes(path), `${what} gives JSON: ${answer.text.slice(0, 200)}`);
      };
      await settled();
      const start = await snapshot();
      for (let n = 0; n < combinations.length; n += 8) await Promise.all(combinations.slice(n, n + 8).map(try_));
      const changed = difference(start, await snapshot());
      if (changed.length > 0) {
        // which one was it
        const culprits = [];
        for (const one of combinations) {
          const from = await snapshot();
          await send(one);
          const found = difference(from, await snapshot());
          if (found.length > 0) culprits.push(`${one.method} ${one.path}: ${found.join('; ')}`);
        }
        assert.fail(`changed: ${changed.join('; ')}; by: ${culprits.join(' | ') || 'none of them alone'}`);
      }
      assert.ok(combinations.length >= (state.signedIn ? 8 : 60), `${combinations.length} combinations`);
    });
  }

  /** Mails that are under way are sent, and the log is sealed. */
  async function settled() {
    await until('mails to be sent', async () => Number((await at.provider.database.rows('SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL AND dead_at IS NULL'))[0].n) === 0);
  }

  it('together these are more than five hundred combinations of a state and a route', async () => {
    let combinations = 0;
    for (const state of Object.values(states)) {
      combinations += state.signedIn ? routes.filter(({ path }) => path.startsWith('/desk')).length * 2 : routes.length * 2 - state.own.length;
    }
    assert.ok(combinations >= 500, `${combinations}`);
  });
});
