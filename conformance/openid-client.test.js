// An implementation of OpenID Connect that is not ours (openid-client) against the running program: discovery, code and
// PKCE, ID token, userinfo, refresh, logout, for every way of client authentication and every signature algorithm.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { oidc, jose } from '../tests/support/packages.js';
import { discover } from '../tests/support/relying-party.js';
import { signIn } from '../tests/support/journey.js';
import { graduate } from '../tests/support/people.js';
import { everybody, onEachDatabase } from '../tests/support/suite.js';
import { Visitor } from '../tests/support/visitor.js';

const callback = 'http://127.0.0.1:7272/callback';
const goodbye = 'http://127.0.0.1:7272/goodbye';
const secret = 'a secret: +/%&=ü 0123456789abcdef';

onEachDatabase('openid-client', { accounts: everybody }, (at) => {
  const register = (name, more = {}) => at.provider.registerClient({
    client_id: name, client_name: name, redirect_uris: [callback], post_logout_redirect_uris: [goodbye], first_party: true,
    grant_types: ['authorization_code', 'refresh_token'], ...more,
  });

  /** The whole flow with this configuration; gives tokens and claims. */
  const flow = async (configuration, parameters = {}) => {
    const visitor = await signIn(new Visitor(), at.provider, graduate);
    const verifier = oidc.randomPKCECodeVerifier();
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: callback, scope: 'openid profile email offline_access', state, nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
    });
    let answer = await visitor.send(url.href);
    for (let step = 0; step < 4 && !answer.location?.startsWith(callback); step += 1) {
      if (answer.location) answer = await visitor.send(answer.location);
      else {
        visitor.show(answer);
        const sent = visitor.submission('allow');
        answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
      }
    }
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(answer.location), {
      pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true, ...(parameters.max_age ? { maxAge: Number(parameters.max_age) } : {}),
    });
    return { visitor, tokens, claims: tokens.claims() };
  };

  const whole = async (configuration) => {
    const { visitor, tokens, claims } = await flow(configuration);
    const user = await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub);
    assert.equal(user.email, graduate.email);
    const renewed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token);
    assert.ok(renewed.access_token);
    assert.notEqual(renewed.refresh_token, tokens.refresh_token);
    await oidc.fetchUserInfo(configuration, renewed.access_token, claims.sub);
    await assert.rejects(oidc.refreshTokenGrant(configuration, tokens.refresh_token), { error: 'invalid_grant' });
    const logout = oidc.buildEndSessionUrl(configuration, { id_token_hint: tokens.id_token, post_logout_redirect_uri: goodbye, state: 'over' });
    let answer = await visitor.send(logout.href);
    for (let step = 0; step < 3 && !answer.location?.startsWith(goodbye); step += 1) {
      if (answer.location) answer = await visitor.send(answer.location);
      else {
        visitor.show(answer);
        const sent = visitor.submission('logout');
        answer = await visitor.send(sent.url, { ...sent, headers: { ...sent.headers, origin: at.provider.origin } });
      }
    }
    assert.equal(answer.location, `${goodbye}?state=over`);
  };

  it('client_secret_basic, with a secret of odd letters', async () => {
    await register('basic-rp', { client_secret: secret });
    await whole(await discover(at.provider.issuer(), 'basic-rp', {}, oidc.ClientSecretBasic(secret)));
  });

  it('client_secret_post', async () => {
    await register('post-rp', { client_secret: secret, token_endpoint_auth_method: 'client_secret_post' });
    await whole(await discover(at.provider.issuer(), 'post-rp', {}, oidc.ClientSecretPost(secret)));
  });

  it('no authentication: a public client with PKCE', async () => {
    await register('public-rp', { token_endpoint_auth_method: 'none', application_type: 'native' });
    await whole(await discover(at.provider.issuer(), 'public-rp', {}, oidc.None()));
  });

  for (const alg of ['ES256', 'PS256', 'RS256', 'Ed25519']) {
    it(`private_key_jwt signed with ${alg}`, async () => {
      const { publicKey, privateKey } = await jose.generateKeyPair(alg === 'Ed25519' ? 'EdDSA' : alg, { extractable: true });
      const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'one', use: 'sig', alg: alg === 'Ed25519' ? 'EdDSA' : alg };
      await register(`jwt-rp-${alg.toLowerCase()}`, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } });
      await whole(await discover(at.provider.issuer(), `jwt-rp-${alg.toLowerCase()}`, {}, oidc.PrivateKeyJwt({ key: privateKey, kid: 'one' }, {
        // the older name of the same algorithm, which our metadata registers
        [oidc.modifyAssertion]: (header) => { if (header.alg === 'Ed25519') header.alg = 'EdDSA'; },
      })));
    });
  }

  for (const alg of ['RS256', 'ES256', 'PS256', 'EdDSA']) {
    it(`ID tokens signed with ${alg} verify against the published keys`, async () => {
      await register(`alg-rp-${alg.toLowerCase()}`, { client_secret: secret, id_token_signed_response_alg: alg });
      const configuration = await discover(at.provider.issuer(), `alg-rp-${alg.toLowerCase()}`, { id_token_signed_response_alg: alg }, oidc.ClientSecretBasic(secret));
      oidc.enableNonRepudiationChecks(configuration);
      const { tokens } = await flow(configuration);
      assert.equal(jose.decodeProtectedHeader(tokens.id_token).alg, alg);
      const keys = jose.createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri));
      await jose.jwtVerify(tokens.id_token, keys, { issuer: at.provider.issuer(), audience: `alg-rp-${alg.toLowerCase()}` });
    });
  }

  it('max_age brings auth_time, which the client checks', async () => {
    const configuration = await discover(at.provider.issuer(), 'basic-rp', {}, oidc.ClientSecretBasic(secret));
    const { claims } = await flow(configuration, { max_age: '600' });
    assert.equal(typeof claims.auth_time, 'number');
  });

  it('discovery by RFC 8414 finds the same server', async () => {
    const configuration = await oidc.discovery(new URL(at.provider.issuer()), 'basic-rp', {}, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests], algorithm: 'oauth2' });
    assert.equal(configuration.serverMetadata().issuer, at.provider.issuer());
  });
});
