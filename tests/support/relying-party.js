// A small app that logs its users in with the provider, through an implementation of OpenID Connect that is not ours.

import http from 'node:http';
import { randomBytes } from 'node:crypto';
import * as oidc from 'openid-client';

/** Discovery through openid-client, for a program that runs on loopback without TLS. */
export function discover(issuer, clientId, metadata, authentication) {
  return oidc.discovery(new URL(issuer), clientId, metadata, authentication, { execute: [oidc.allowInsecureRequests] });
}

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

export class RelyingParty {
  /** Listens first, so that its URLs are known before the client is registered. */
  static async open() {
    const self = new RelyingParty();
    self.sessions = new Map();
    self.logins = new Map();
    self.server = http.createServer((incoming, answer) => {
      self.#serve(incoming, answer).catch((error) => {
        answer.writeHead(500, { 'content-type': 'text/html; charset=utf-8' });
        answer.end(`<body data-page="app-error"><pre id="error">${escape(error.stack)} ${escape(JSON.stringify(error.cause ?? {}))}</pre></body>`);
      });
    });
    await new Promise((resolve) => self.server.listen(0, '127.0.0.1', resolve));
    self.url = `http://127.0.0.1:${self.server.address().port}`;
    return self;
  }

  /** What to register at the provider. */
  metadata(more = {}) {
    return {
      client_id: 'journey-app',
      client_secret: 'journey-app-secret-0123456789abcdef',
      client_name: 'Certificate desk',
      redirect_uris: [`${this.url}/callback`],
      post_logout_redirect_uris: [`${this.url}/goodbye`],
      initiate_login_uri: `${this.url}/login`,
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
      ...more,
    };
  }

  async use(issuer, { client_id: id, client_secret: secret } = this.metadata()) {
    this.configuration = await discover(issuer, id, { client_secret: secret }, oidc.ClientSecretBasic(secret));
  }

  async #serve(incoming, answer) {
    const url = new URL(incoming.url, this.url);
    const cookies = Object.fromEntries((incoming.headers.cookie ?? '').split('; ').map((pair) => pair.split('=')));
    const send = (status, body, headers = {}) => {
      answer.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers });
      answer.end(`<!doctype html><html lang="en"><title>App</title>${body}</html>`);
    };
    if (url.pathname === '/login') {
      const verifier = oidc.randomPKCECodeVerifier();
      const login = { verifier, state: oidc.randomState(), nonce: oidc.randomNonce() };
      const id = randomBytes(16).toString('hex');
      this.logins.set(id, login);
      const parameters = {
        redirect_uri: `${this.url}/callback`,
        scope: this.scope ?? 'openid profile email student_ids',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state: login.state,
        nonce: login.nonce,
        ...(this.language ? { ui_locales: this.language } : {}),
        ...(url.searchParams.get('login_hint') ? { login_hint: url.searchParams.get('login_hint') } : {}),
      };
      return send(303, '', { location: oidc.buildAuthorizationUrl(this.configuration, parameters).href, 'set-cookie': `app-login=${id}; Path=/; HttpOnly; SameSite=Lax` });
    }
    if (url.pathname === '/callback') {
      const login = this.logins.get(cookies['app-login']);
      if (!login) return send(400, '<body data-page="app-error"><p id="error">no login under way</p></body>');
      this.logins.delete(cookies['app-login']);
      if (url.searchParams.has('error')) {
        return send(200, `<body data-page="app-refused"><p id="refused">${escape(url.searchParams.get('error'))}</p></body>`);
      }
      const tokens = await oidc.authorizationCodeGrant(this.configuration, url, {
        pkceCodeVerifier: login.verifier,
        expectedState: login.state,
        expectedNonce: login.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      const user = await oidc.fetchUserInfo(this.configuration, tokens.access_token, claims.sub);
      const id = randomBytes(16).toString('hex');
      this.sessions.set(id, { tokens, claims, user });
      this.last = { tokens, claims, user };
      return send(303, '', { location: '/', 'set-cookie': `app-session=${id}; Path=/; HttpOnly; SameSite=Lax` });
    }
    if (url.pathname === '/logout') {
      const session = this.sessions.get(cookies['app-session']);
      this.sessions.delete(cookies['app-session']);
      const target = oidc.buildEndSessionUrl(this.configuration, {
        post_logout_redirect_uri: `${this.url}/goodbye`,
        state: 'bye',
        ...(session ? { id_token_hint: session.tokens.id_token } : {}),
      });
      return send(303, '', { location: target.href, 'set-cookie': 'app-session=; Path=/; Max-Age=0' });
    }
    if (url.pathname === '/goodbye') return send(200, '<body data-page="app-goodbye"><p id="goodbye">Goodbye</p></body>');
    const session = this.sessions.get(cookies['app-session']);
    return session
      ? send(200, `<body data-page="app"><pre id="claims">${escape(JSON.stringify(session))}</pre><a id="logout" href="/logout">Log out</a></body>`)
      : send(200, '<body data-page="app"><p id="nobody">Nobody is logged in.</p><a id="login" href="/login">Log in</a></body>');
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
