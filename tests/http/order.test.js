// Nothing can be reached out of order, and nothing is changed by trying: every step and every duty that is pending, against
// every route that the program has, by GET and by POST, with every form value that its own pages gave.

import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { formBody, request, until } from '../support/http.js';
import { apply, decide, expectPage, fillForm, logIn, openApplication, openResubmission, reachForm, registrationLink, settingMail, signIn } from '../support/journey.js';
import { kinds } from '../support/links.js';
import { cardHolder, clerk, graduate, newAddress, officer } from '../support/people.js';
import { askForAnotherName, askForStudentId, fillStudentId, linkIn } from '../support/personal.js';
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
  const residence = { tenant: 'residence', kind: 'counter_applicant' };
  let routes;
  /** An application of somebody else at each tenant: what no state may show or change. */
  const others = {};
  before(async () => {
    routes = await tenantRoutes();
    await at.provider.createAccount(officer, 'residence');
    for (const where of [{ tenant: 'certificate', person: graduate }, { ...residence, changes: cardHolder, person: await resident() }]) {
      const { reference } = await apply(new Visitor(), at.provider, where);
      [others[where.tenant]] = await at.provider.database.rows(`SELECT id, reference, email, version, documents FROM applications WHERE reference = '${reference}'`);
      const [account] = await at.provider.database.rows(`SELECT id FROM accounts WHERE tenant = '${where.tenant}' AND login_id = '${where.person.login_id}'`);
      others[where.tenant].account = account.id;
    }
  });
  const page = (path, tenant = 'certificate') => `${at.provider.issuer(tenant)}${path}`;
  const somebody = async (more = {}) => {
    const email = newAddress('ordered');
    const person = { login_id: email, email, ...own, ...more };
    await at.provider.createAccount(person);
    return person;
  };
  let residents = 0;
  const resident = async (more = {}) => {
    const person = { login_id: `RZ7700${1000 + (residents += 1)}`, email: newAddress('resident'), password: own.password, ...more };
    await at.provider.createAccount(person, 'residence');
    return person;
  };
  const enter = async (person, tenant) => {
    const visitor = new Visitor();
    await visitor.visit(page('/login', tenant));
    return logIn(visitor, person);
  };
  /** Opens the mail's link for one more student ID number, in a browser that nobody is signed in with, and fills it in. */
  const furtherStudentId = async () => {
    const { email, ...person } = await somebody();
    await askForStudentId(await enter(person), at.provider);
    return fillStudentId(new Visitor(), await linkIn(at.provider, email, '/student-id/link/', 1), '9TE44001');
  };
  /** An application that goes back to the applicant, with the mail about it. */
  const sentBack = async () => {
    const { mail, reference } = await apply(new Visitor(), at.provider);
    const desk = await signIn(new Visitor(), at.provider, clerk);
    await openApplication(desk, at.provider, reference);
    await decide(desk, 'resubmit', { reason: '番地まで', items: { street: '番地まで' } });
    return at.provider.mail.wait(mail, 3);
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
      reach: async () => new Visitor().visit((await sentBack()).links.find((link) => link.includes('/resubmit/link/'))),
      at: 'confirm-link', pages: ['confirm-link'], own: ['/login', '/register', '/forgot', '/resubmit'],
    },
    'a correction that is opened': {
      reach: async () => {
        const visitor = new Visitor();
        await openResubmission(visitor, await sentBack());
        return visitor;
      },
      at: 'form', pages: ['confirm-link', 'form', 'check'], own: ['/login', '/register', '/forgot', '/register/form', '/register/postal-code'],
    },
    'a further student ID number that is filled in': {
      reach: furtherStudentId,
      at: 'form', pages: ['confirm-link', 'form'], own: ['/login', '/register', '/forgot', '/register/form'],
    },
    'a further student ID number to be handed in': {
      reach: async () => {
        const visitor = await furtherStudentId();
        await visitor.press('check');
        return visitor;
      },
      at: 'check', pages: ['confirm-link', 'form', 'check'], own: ['/login', '/register', '/forgot', '/register/form', '/register/check'],
    },
    'another name to be handed in': {
      reach: async () => {
        const visitor = await enter(await somebody({ claims: { name: '順序 花子' } }));
        return askForAnotherName(visitor, at.provider);
      },
      at: 'check', signedIn: true, own: ['/account/profile', '/account/profile/check'],
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
    'a change of the mail address that can be undone': {
      reach: async () => new Visitor().visit((await kinds.find(({ purpose }) => purpose === 'mail_undo').make(at.provider)).link),
      at: 'confirm-link', pages: ['confirm-link'], own: ['/login', '/register', '/forgot', '/account/mail/undo'],
    },
    'somebody signed in who is no reviewer': {
      reach: async () => enter(await somebody()),
      at: 'top', signedIn: true, own: [],
    },
    'residence: a form that is not filled in': {
      tenant: 'residence',
      reach: async () => {
        const visitor = new Visitor();
        await reachForm(visitor, at.provider, residence);
        return visitor;
      },
      at: 'form', pages: ['terms', 'form'], own: ['/login', '/register', '/forgot', '/register/terms', '/register/form', '/register/postal-code', '/register/municipalities'],
    },
    'residence: a password to be set by URL': {
      tenant: 'residence',
      reach: async () => {
        const { mail, reference } = await apply(new Visitor(), at.provider, { ...residence, changes: cardHolder });
        const desk = await signIn(new Visitor(), at.provider, officer, 'residence');
        await openApplication(desk, at.provider, reference, 'residence');
        await decide(desk, 'approve');
        return new Visitor().visit(settingMail(await at.provider.mail.wait(mail, 3)).link);
      },
      at: 'password-setting', pages: ['password-setting'], own: ['/login', '/register', '/forgot', '/password-setting'],
    },
    'residence: new terms to be agreed to': {
      tenant: 'residence',
      reach: async () => enter(await resident({ terms_version: '2001-01-01' }), 'residence'),
      at: 'new-terms', pages: ['new-terms', 'logout', 'session-kept', 'message'], closed: ['home', 'register', 'forgot', 'register-sent', 'forgot-sent'], own: ['/terms', '/logout', '/login', '/end-session', '/back'],
    },
    'residence: somebody signed in who is not of the counter': {
      tenant: 'residence',
      reach: async () => enter(await resident(), 'residence'),
      at: 'top', signedIn: true, own: ['/back'],
    },
  };

  /** Everything that is kept and not merely counted: how often somebody came, and requests that wait for somebody. */
  const kept = {
    ...Object.fromEntries([
      'accounts', 'account_moves', 'user_ids', 'credentials', 'enrolments', 'one_time', 'drafts', 'draft_browsers', 'applications', 'submissions', 'decisions', 'approvals', 'grants', 'tokens', 'consents', 'accepted_terms',
      'attempts', 'clients', 'roster', 'settings',
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
  const filled = (path, { id, reference, documents, account }) => path
    .replace(/\{token\}/, 'A'.repeat(43))
    .replace('{slot}', 'document_front')
    .replace('{reference}', reference)
    .replace(/\/desk\/documents\/\{id\}/, `/desk/documents/${Object.values(JSON.parse(documents))[0] ?? 'none'}`)
    .replace(/\/counter\/people\/\{id\}/, `/counter/people/${account}`)
    .replace(/\{\w+\}/g, id);

  /** Everything that any form of the program may want, so that what stops a request is never a missing value. */
  const everything = (values, application) => ({
    login_id: graduate.login_id, mail: 'nobody@example.jp', mail_confirm: 'nobody@example.jp', agree: 'yes', version: String(application.version), approve: '1', allow: '1', submit: '1', set: '1', open: '1',
    password: own.password, password_confirm: own.password, second_password: own.second_password, second_password_confirm: own.second_password, reason: '確認しました', check: '1', to: '/account', current: own.password,
    name: '別人 太郎', document: 'passport', unlock: '1', tell: '1', end: 'all', send: '1', confirm: '1', undo: '1', withdraw: '1', account: application.account, ...values,
  });

  for (const [name, state] of Object.entries(states)) {
    it(`${name}: no other route gives anything or changes anything`, { timeout: 120_000 }, async () => {
      const tenant = state.tenant ?? 'certificate';
      const application = others[tenant];
      const visitor = await state.reach();
      if (state.at) await expectPage(visitor, state.at, 'the state is reached');
      // what its own page would send: the strongest values that somebody in this state has
      const hidden = {};
      for (const input of visitor.document?.querySelectorAll('input[type=hidden]') ?? []) hidden[input.getAttribute('name')] = input.getAttribute('value') ?? '';
      const cookie = visitor.jar.header('127.0.0.1');
      const allowed = new Set([...open, ...(state.pages ?? [])]);
      for (const closed of state.closed ?? []) allowed.delete(closed);
      const personal = new Set(['top', 'account', 'desk-queue', 'desk-application', 'desk-preview', 'counter', 'counter-person', 'consent', 'enrolment-choice']);
      const combinations = [];
      for (const { path, methods } of routes) {
        for (const method of ['GET', 'POST']) {
          // what carries the state on is what may be done
          if (method === 'POST' && (state.own.includes(path) || path === '/language')) continue;
          combinations.push({ path, method, known: methods.includes(method) });
        }
      }
      const send = async ({ path, method }) => {
        const url = page(filled(path, application), tenant);
        const headers = { cookie, origin: at.provider.origin, 'accept-language': 'ja' };
        if (method === 'GET') return request(url, { headers });
        return request(url, { method, headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body: formBody(everything(hidden, application)) });
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
          // somebody who is signed in may look at their own account; only what is another's is closed
          const fine = state.signedIn ? !/^(desk|counter)/.test(seen) : allowed.has(seen);
          assert.ok(fine, `${what} shows ${seen} (${answer.status})`);
          assert.ok(!answer.text.includes(application.email), `${what} tells of somebody else`);
          if (!state.signedIn) assert.ok(!personal.has(seen), `${what} shows ${seen}`);
        }
        if (answer.status === 303) assert.ok(answer.location.startsWith(at.provider.origin), `${what} leads to ${answer.location}`);
        assert.ok(!answer.headers['content-type']?.startsWith('image/') || /^\/(register|account\/profile)\/document/.test(path), `${what} gives an image`);
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
      assert.ok(combinations.length >= 120, `${combinations.length} combinations`);
    });
  }

  /** Mails that are under way are sent, and the log is sealed. */
  async function settled() {
    await until('mails to be sent', async () => Number((await at.provider.database.rows('SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL AND dead_at IS NULL'))[0].n) === 0);
  }

  it('together these are more than two thousand combinations of a state and a route', () => {
    const combinations = Object.values(states).map((state) => routes.length * 2 - state.own.length);
    assert.ok(combinations.reduce((sum, n) => sum + n) >= 2_000, combinations.join());
  });
});
