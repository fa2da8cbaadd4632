// A visitor in real Chromium, with the same verbs as `visitor.js`.

import { chromium } from 'playwright-core';
import { after } from 'node:test';
import { until } from './http.js';

let running;

/** The one Chromium of this test process. */
export async function browser() {
  running ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    // the back/forward cache is what people's browsers have; Playwright switches it off
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--force-color-profile=srgb',
    ],
  });
  return running;
}

export async function closeBrowser() {
  if (running) await (await running).close();
  running = undefined;
}

/** Closes Chromium after the tests of the file that calls this. */
export function browserForThisFile() {
  after(closeBrowser);
}

export class ChromiumVisitor {
  static async open({ language = 'ja', javascript = true, width = 1280, height = 900, colorScheme = 'light' } = {}) {
    const context = await (await browser()).newContext({
      locale: language === 'ja' ? 'ja-JP' : 'en-GB',
      timezoneId: 'Asia/Tokyo',
      javaScriptEnabled: javascript,
      viewport: { width, height },
      colorScheme,
      ignoreHTTPSErrors: true,
    });
    context.setDefaultTimeout(20_000);
    const self = new ChromiumVisitor();
    self.context = context;
    self.view = await context.newPage();
    self.complaints = [];
    self.foreign = [];
    self.view.on('console', (message) => {
      // a 4xx page is what some tests ask for; Chromium logs each
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) self.complaints.push(message.text());
    });
    self.view.on('pageerror', (error) => self.complaints.push(String(error)));
    self.view.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && !['127.0.0.1', 'localhost'].includes(hostname)) self.foreign.push(request.url());
    });
    self.view.on('response', (response) => {
      if (response.request().isNavigationRequest() && response.frame() === self.view.mainFrame()) {
        self.status = response.status();
        self.response = response;
      }
    });
    return self;
  }

  async visit(url) {
    await this.view.goto(new URL(url, this.view.url() === 'about:blank' ? undefined : this.view.url()).href, { waitUntil: 'load' });
    return this;
  }

  async url() {
    return this.view.url();
  }

  async page() {
    return this.view.locator('body').getAttribute('data-page');
  }

  async html() {
    return this.view.content();
  }

  /** The page as it came over the wire. */
  async source() {
    return this.response.text();
  }

  async exists(selector) {
    return (await this.view.locator(selector).count()) > 0;
  }

  async count(selector) {
    return this.view.locator(selector).count();
  }

  async text(selector = 'body') {
    return ((await this.view.locator(selector).first().textContent()) ?? '').replace(/\s+/g, ' ').trim();
  }

  async attribute(selector, name) {
    return this.view.locator(selector).first().getAttribute(name);
  }

  async value(name) {
    const radios = this.view.locator(`input[name="${name}"][type=radio]`);
    if (await radios.count()) {
      const chosen = this.view.locator(`input[name="${name}"][type=radio]:checked`);
      return (await chosen.count()) ? chosen.getAttribute('value') : null;
    }
    return this.view.locator(`[name="${name}"]`).first().inputValue();
  }

  async choices(name) {
    const options = this.view.locator(`select[name="${name}"] option:not([disabled]), input[name="${name}"][type=radio]`);
    return options.evaluateAll((nodes) => nodes.map((node) => node.getAttribute('value') ?? node.textContent.trim()).filter((value) => value !== ''));
  }

  async controls() {
    return this.view.locator('input[name], select[name], textarea[name]').evaluateAll((nodes) => {
      const offered = (node) => {
        const options = node.tagName === 'SELECT' ? [...node.options].filter((option) => !option.disabled) : node.type === 'radio' ? [...document.getElementsByName(node.name)] : undefined;
        return options?.map(({ value }) => value).filter((value) => value !== '');
      };
      return [...new Map(nodes.map((node) => [node.name, node]).reverse()).values()].reverse().map((node) => ({ name: node.name, offered: offered(node) ?? null }));
    });
  }

  async fields() {
    return this.view.locator('input[name], select[name], textarea[name]').evaluateAll((controls) => [...new Set(controls.map(({ name }) => name))]);
  }

  async fill(values) {
    for (const [name, value] of Object.entries(values)) {
      const control = this.view.locator(`[name="${name}"]`).first();
      const { tag, type, folded } = await control.evaluate((node) => ({
        tag: node.tagName, type: node.getAttribute('type'), folded: node.closest('details:not([open])') !== null,
      }), undefined, { timeout: 5_000 }).catch(() => {
        throw new Error(`no control ${name} at ${this.view.url()}`);
      });
      if (folded) await control.locator('xpath=ancestor::details[not(@open)]').locator('> summary').click();
      if (tag === 'SELECT') await control.selectOption(value);
      else if (type === 'radio') await this.view.locator(`input[name="${name}"][value="${value}"]`).check();
      else if (type === 'checkbox') await control.setChecked(value !== null);
      else if (type === 'file') await control.setInputFiles({ name: value.name, mimeType: value.type, buffer: Buffer.from(value.bytes) });
      else await control.fill(value);
    }
    return this;
  }

  async press(id) {
    return this.click(`#${id}`);
  }

  async click(selector) {
    const target = this.view.locator(selector).first();
    await target.waitFor({ state: 'attached' }).catch(async () => {
      throw new Error(`no ${selector} on ${await this.describe()}`);
    });
    const [response] = await Promise.all([this.view.waitForNavigation({ waitUntil: 'load' }), target.click()]);
    if (response) this.status = response.status();
    return this;
  }

  /** The browser's Back, to a page of one of these names: asked for anew, or as the browser kept it. */
  async back(...pages) {
    await this.view.goBack({ waitUntil: 'commit' });
    await until(`Back to ${pages.join(' or ')}`, async () => pages.includes(await this.page())).catch(async (error) => {
      throw new Error(`${error.message}, it is ${await this.describe()}`);
    });
    return this;
  }

  async describe() {
    const heading = (await this.view.locator('h1').first().textContent().catch(() => ''))?.trim();
    const errors = (await this.exists('#error-summary')) ? await this.text('#error-summary') : '';
    return `${this.status} ${this.view.url()} (${await this.page()}, “${heading}”${errors ? `, errors: ${errors}` : ''})`;
  }

  async cookies() {
    return Object.fromEntries((await this.context.cookies()).map(({ name, value }) => [name, value]));
  }

  async close() {
    await this.context.close();
  }
}
