// Every kind of one-time link there is: where it comes from, where it leads, what completes it. One table; a test holds
// it against the purposes in the code.

import { agree, apply, decide, expectPage, fillForm, openApplication, signIn } from './journey.js';
import { newAddress } from './people.js';
import { askForStudentId, fillStudentId, linkIn } from './personal.js';
import { Visitor } from './visitor.js';

let numbers = 0;
/** What is set by a link, by the first and by the second of two browsers. */
export const chosen = [
  { password: 'Kagirinaki2025', second_password: 'Momiji88futatsu' },
  { password: 'Nibanmeno2025x', second_password: 'Kaede99mittsume' },
];
const both = ({ password, second_password: second }) => ({ password, password_confirm: password, second_password: second, second_password_confirm: second });

/** Purposes of one-time secrets that are in no link. */
export const noLinks = ['client_assertion', 'client_management', 'initial_access', 'pushed_request'];

/** Result mails of the certificate tenant with a URL to set the passwords, so that this kind of link is there too. */
export async function withSettingUrl({ read, write }, slug) {
  if (slug === 'certificate') await write('tenant.toml', (await read('tenant.toml')).replace(/(\[initial_credential\]\nkind = )"password"/, '$1"setting_url"'));
}

/** To the check page of a form that another browser has filled in. */
async function toCheck(visitor) {
  await visitor.visit(new URL('check', await visitor.url()));
  await expectPage(visitor, 'check');
}

/** An account with own passwords. */
export async function somebody(provider, more = {}) {
  const email = newAddress('linked');
  const person = { login_id: email, email, password: 'Hajimeno2024x', second_password: 'Kotoba77betsu', ...more };
  await provider.createAccount(person);
  return person;
}

/**
 * @typedef {object} Kind
 * @property {string} purpose as stored
 * @property {string} part of the link's path, before the token
 * @property {string} first the page that opening it leads to
 * @property {string} button the one on that page
 * @property {string} over the page of one that cannot be used
 * @property {(provider, desk) => Promise<{link: string, mail: string, again?: () => Promise<string>}>} make causes a mail; `again` a newer one
 * @property {(visitor, which?: number) => Promise<void>} ready from that page to the one whose button uses the link up; `which` of
 *   several browsers types something of its own, where the page takes any
 * @property {string} last that button
 * @property {string} done the page behind it
 * @property {(visitor) => Promise<void>} finish all the way
 */

/** @type {Omit<Kind, 'finish'>[]} */
const table = [
  {
    purpose: 'registration',
    part: '/register/link/',
    first: 'terms',
    button: 'agree',
    over: 'link-problem',
    async make(provider) {
      const mail = newAddress('registering');
      const ask = async (count) => {
        const visitor = new Visitor();
        await visitor.visit(`${provider.issuer()}/register`);
        await visitor.fill({ mail, mail_confirm: mail });
        await visitor.press('check');
        return linkIn(provider, mail, this.part, count);
      };
      return { mail, link: await ask(1), again: () => ask(2) };
    },
    last: 'submit',
    done: 'reception',
    async ready(visitor, which = 0) {
      await agree(visitor);
      if (which === 0) {
        await fillForm(visitor);
        await visitor.press('check');
      } else await toCheck(visitor);
    },
  },
  {
    purpose: 'resubmission',
    part: '/resubmit/link/',
    first: 'confirm-link',
    button: 'open',
    over: 'link-problem',
    async make(provider, desk) {
      const { mail, reference } = await apply(new Visitor(), provider);
      await openApplication(desk, provider, reference);
      await decide(desk, 'resubmit', { reason: '番地まで書いてください。', items: { street: '番地まで' } });
      return { mail, link: await linkIn(provider, mail, this.part, 3) };
    },
    last: 'submit',
    done: 'reception',
    async ready(visitor, which = 0) {
      await visitor.press('open');
      await expectPage(visitor, 'form');
      if (which === 0) {
        await visitor.fill({ street: '千代田9-9-9' });
        await visitor.press('check');
      } else await toCheck(visitor);
    },
  },
  {
    purpose: 'set_credentials',
    part: '/password-setting/link/',
    first: 'password-setting',
    button: 'set',
    over: 'link-problem',
    async make(provider, desk) {
      const { mail, reference } = await apply(new Visitor(), provider);
      await openApplication(desk, provider, reference);
      await decide(desk, 'approve');
      return { mail, link: await linkIn(provider, mail, this.part, 3) };
    },
    last: 'set',
    done: 'message',
    async ready(visitor, which = 0) {
      await visitor.fill(both(chosen[which]));
    },
  },
  {
    purpose: 'recovery',
    part: '/forgot/link/',
    first: 'forgot-reset',
    button: 'set',
    over: 'link-problem',
    async make(provider) {
      const { email: mail } = await somebody(provider);
      const ask = async (count) => {
        const visitor = new Visitor();
        await visitor.visit(`${provider.issuer()}/forgot`);
        await visitor.fill({ mail });
        await visitor.press('send');
        return linkIn(provider, mail, this.part, count);
      };
      return { mail, link: await ask(1), again: () => ask(2) };
    },
    last: 'set',
    done: 'message',
    async ready(visitor, which = 0) {
      await visitor.fill(both(chosen[which]));
    },
  },
  {
    purpose: 'mail_change',
    part: '/account/mail/link/',
    first: 'confirm-link',
    button: 'confirm',
    over: 'link-problem',
    async make(provider, desk, { to = newAddress('moving') } = {}) {
      const person = await somebody(provider);
      const visitor = await signIn(new Visitor(), provider, person);
      const ask = async (count) => {
        await visitor.visit(`${provider.issuer()}/account/mail`);
        await visitor.fill({ mail: to, mail_confirm: to });
        await visitor.press('check');
        return linkIn(provider, to, this.part, count);
      };
      return { mail: to, person, link: await ask(1), again: () => ask(2) };
    },
    last: 'confirm',
    done: 'message',
    async ready() {},
  },
  {
    purpose: 'mail_undo',
    part: '/account/mail/undo/link/',
    first: 'confirm-link',
    button: 'undo',
    over: 'link-problem',
    async make(provider, desk) {
      const change = kinds.find(({ purpose }) => purpose === 'mail_change');
      const { person, link } = await change.make(provider, desk);
      await change.finish(await new Visitor().visit(link));
      return { mail: person.email, link: await linkIn(provider, person.email, this.part, 2) };
    },
    last: 'undo',
    done: 'message',
    async ready() {},
  },
  {
    purpose: 'enrolment',
    part: '/student-id/link/',
    first: 'confirm-link',
    button: 'open',
    over: 'link-problem',
    async make(provider) {
      const person = await somebody(provider);
      const visitor = await signIn(new Visitor(), provider, person);
      const ask = async (count) => {
        await askForStudentId(visitor, provider);
        return linkIn(provider, person.email, this.part, count);
      };
      const link = await ask(1);
      return { mail: person.email, person, link, again: () => ask(2) };
    },
    last: 'submit',
    done: 'reception',
    async ready(visitor, which = 0) {
      if (which > 0) {
        await visitor.press('open');
        return toCheck(visitor);
      }
      numbers += 1;
      await fillStudentId(visitor, await visitor.url(), `9TE${String(process.pid % 100).padStart(2, '0')}${String(numbers).padStart(3, '0')}`);
      await visitor.press('check');
    },
  },
];

/** @type {Kind[]} */
export const kinds = table.map((kind) => Object.assign(kind, {
  async finish(visitor) {
    await kind.ready(visitor);
    await visitor.press(kind.last);
    await expectPage(visitor, kind.done);
  },
}));
