// OpenID Connect by hand, so that a test can send what no library would.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as jose from 'jose';
import { formBody, request } from './http.js';
import { Visitor } from './visitor.js';
import { signIn } from './journey.js';

export const callback = 'http://127.0.0.1:7171/callback';

export const random = (bytes = 24) => randomBytes(bytes).toString('base64url');

/** A PKCE pair (RFC 7636 §4). */
export function pkce() {
  const verifier = random(32);
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** Clients that tests use. All native so that any loopback port serves, but `web-app`, whose URI is exact. */
export const clients = {
  first: {
    client_id: 'first-app', client_secret: 'first-app-secret-4Jq0sGJbV1', client_name: 'First party', redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_basic', first_party: true,
    post_logout_redirect_uris: ['http://127.0.0.1:7171/goodbye'],
  },
  third: {
    client_id: 'third-app', client_secret: 'third-app-secret-mGqLbx81w0', client_name: 'Third party', redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_post', first_party: false,
  },
  public: {
    client_id: 'public-app', client_name: 'Public', redirect_uris: ['http://127.0.0.1/callback'], application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none', first_party: true,
  },
};

/** The discovery document. */
export async function metadata(provider, tenant = 'certificate') {
  const answer = await request(`${provider.issuer(tenant)}/.well-known/openid-configuration`);
  assert.equal(answer.status, 200, 'discovery answers');
  return answer.json;
}

/** Parameters of a good authorization request, with changes; `undefined` leaves one out. */
export function authorization(client, changes = {}) {
  const pair = pkce();
  const parameters = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: client.redirect_uris[0] === 'http://127.0.0.1/callback' ? callback : client.redirect_uris[0],
    scope: 'openid profile email offline_access',
    state: random(),
    nonce: random(),
    code_challenge: pair.challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  return { parameters, verifier: pair.verifier };
}

/** Sends an authorization request as this visitor, following nothing. `parameters` may be pairs, so that names can repeat. */
export async function authorize(visitor, provider, parameters, { method = 'GET', tenant = 'certificate' } = {}) {
  const { authorization_endpoint: endpoint } = await metadata(provider, tenant);
  const query = formBody(Object.entries(parameters).filter(([, value]) => value !== undefined).length || Array.isArray(parameters)
    ? (Array.isArray(parameters) ? parameters : Object.entries(parameters).filter(([, value]) => value !== undefined))
    : parameters);
  if (method === 'GET') return visitor.send(`${endpoint}?${query}`);
  return visitor.send(endpoint, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: query });
}

/** The response parameters in a redirect to the app, in its query or its fragment. */
export function responseOf(answer) {
  assert.ok([302, 303].includes(answer.status), `a redirect, not ${answer.status}: ${answer.text.slice(0, 300)}`);
  const url = new URL(answer.location);
  return url.hash ? new URLSearchParams(url.hash.slice(1)) : url.searchParams;
}

/** A signed-in visitor's code for a client. */
export async function code(visitor, provider, client, changes = {}, options = {}) {
  const { parameters, verifier } = authorization(client, changes);
  let answer = await authorize(visitor, provider, parameters, options);
  // parked requests and consent come in between for some clients
  for (let step = 0; step < 4 && !(answer.location ?? '').startsWith(parameters.redirect_uri); step += 1) {
    if (answer.location) {
      answer = await visitor.send(answer.location);
      continue;
    }
    visitor.show(answer);
    const consent = visitor.submission('allow');
    answer = await visitor.send(consent.url, { ...consent, headers: { ...consent.headers, origin: provider.origin } });
  }
  const response = responseOf(answer);
  assert.ok(response.get('code'), `a code in ${answer.location}`);
  return { code: response.get('code'), verifier, parameters, response };
}

const quote = (text) => encodeURIComponent(text).replace(/%20/g, '+');

/** `Authorization: Basic` as RFC 6749 §2.3.1 wants it. */
export const basic = ({ client_id: id, client_secret: secret }) => ({ authorization: `Basic ${Buffer.from(`${quote(id)}:${quote(secret)}`).toString('base64')}` });

/** Posts to an endpoint of the discovery document with the client's own way of authentication, unless `as` says otherwise. */
export async function postTo(name, provider, client, fields, { as = client.token_endpoint_auth_method, headers = {}, tenant = 'certificate' } = {}) {
  const { [name]: endpoint } = await metadata(provider, tenant);
  const body = Array.isArray(fields) ? [...fields] : Object.entries(fields).filter(([, value]) => value !== undefined);
  const has = (field) => body.some(([key]) => key === field);
  const sent = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  if (as === 'client_secret_basic') Object.assign(sent, basic(client));
  if (as === 'client_secret_post' && !has('client_secret')) body.push(['client_secret', client.client_secret]);
  if ((as === 'client_secret_post' || as === 'none') && !has('client_id')) body.push(['client_id', client.client_id]);
  return request(endpoint, { method: 'POST', headers: sent, body: formBody(body) });
}

/** Posts to the token endpoint. */
export const token = (provider, client, fields, options) => postTo('token_endpoint', provider, client, fields, options);

/** Pushes an authorization request (RFC 9126). */
export const push = (provider, client, fields, options) => postTo('pushed_authorization_request_endpoint', provider, client, fields, options);

/** Pushes a good request with changes and gives its name. */
export async function pushed(provider, client, changes = {}, options) {
  const { parameters, verifier } = authorization(client, changes);
  const answer = await push(provider, client, parameters, options);
  assert.equal(answer.status, 201, answer.text);
  return { parameters, verifier, named: { client_id: client.client_id, request_uri: answer.json.request_uri }, expiresIn: answer.json.expires_in };
}

/** Signs in at the page that an authorization request led to, up to the answer for the app. */
export async function signInAt(visitor, provider, answer, person) {
  await visitor.visit(answer.location);
  await visitor.fill({ login_id: person.login_id, password: person.password, second_password: person.second_password });
  const sent = visitor.submission('login');
  let next = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: provider.origin } });
  while (next.location?.startsWith(provider.origin)) next = await visitor.send(next.location);
  return next;
}

/** Redeems a code. */
export function redeem(provider, client, { code: value, verifier, parameters }, changes = {}, options) {
  return token(provider, client, {
    grant_type: 'authorization_code', code: value, redirect_uri: parameters.redirect_uri, code_verifier: verifier, ...changes,
  }, options);
}

/** Tokens for a signed-in visitor, all the way. */
export async function tokens(visitor, provider, client, changes = {}) {
  const granted = await code(visitor, provider, client, changes);
  const answer = await redeem(provider, client, granted);
  assert.equal(answer.status, 200, answer.text);
  return { ...answer.json, granted };
}

export const refresh = (provider, client, value, changes = {}, options) =>
  token(provider, client, { grant_type: 'refresh_token', refresh_token: value, ...changes }, options);

export async function userinfo(provider, accessToken, tenant = 'certificate') {
  const { userinfo_endpoint: endpoint } = await metadata(provider, tenant);
  return request(endpoint, { headers: { authorization: `Bearer ${accessToken}` } });
}

/** A visitor who is signed in. */
export async function signedIn(provider, person, options) {
  return signIn(new Visitor(options), provider, person);
}

/** Claims of a JWT whose signature is checked against the published keys. */
export async function verified(provider, jwt, client, tenant = 'certificate') {
  const { jwks_uri: uri, issuer } = await metadata(provider, tenant);
  const keys = jose.createLocalJWKSet((await request(uri)).json);
  return jose.jwtVerify(jwt, keys, { issuer, audience: client.client_id });
}
