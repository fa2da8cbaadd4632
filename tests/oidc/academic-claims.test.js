// eduPerson, SCHAC and voPerson for a graduate and for staff, and pairwise subjects, over HTTP.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { clerk, graduate } from '../support/people.js';
import { callback, clients, metadata, signedIn, tokens, userinfo, verified } from '../support/protocol.js';
import { everybody, onEachDatabase } from '../support/suite.js';

const scope = 'openid eduperson schac voperson';
const domain = 'madoguchi-univ.example.jp';

/** A client of another host, with subjects of its own. */
const pairwise = (name, redirect) => ({
  ...clients.first, client_id: `pairwise-${name}`, client_secret: `secret-of-pairwise-${name}`, redirect_uris: [redirect], subject_type: 'pairwise',
});
const [here, there] = [pairwise('here', callback), pairwise('there', 'http://localhost:7171/callback')];

onEachDatabase('academic claims', { accounts: everybody, clients: [clients.first, here, there] }, (at) => {
  it('a graduate is an alum with student numbers, staff are staff, and the document says so', async () => {
    const visitor = await signedIn(at.provider, graduate);
    const granted = await tokens(visitor, at.provider, clients.first, { scope });
    const told = (await userinfo(at.provider, granted.access_token)).json;
    assert.deepEqual(told.schac_personal_unique_code, graduate.student_ids.map((id) => `urn:schac:personalUniqueCode:jp:${domain}:${id}`));
    assert.equal(told.schac_home_organization, domain);
    assert.match(told.eduperson_unique_id, new RegExp(`^[0-9a-f]{64}@${domain}$`));
    assert.equal(told.voperson_id, told.eduperson_unique_id);
    assert.equal(told.eduperson_principal_name, undefined);
    const again = await tokens(await signedIn(at.provider, graduate), at.provider, clients.first, { scope });
    assert.equal((await userinfo(at.provider, again.access_token)).json.voperson_id, told.voperson_id, 'for life');
    const officer = await tokens(await signedIn(at.provider, clerk), at.provider, clients.first, { scope });
    const staff = (await userinfo(at.provider, officer.access_token)).json;
    assert.deepEqual(staff.eduperson_scoped_affiliation, [`staff@${domain}`]);
    const document = await metadata(at.provider);
    for (const name of ['eduperson', 'schac', 'voperson']) assert.ok(document.scopes_supported.includes(name), name);
    for (const name of ['eduperson_affiliation', 'schac_personal_unique_code', 'voperson_id']) assert.ok(document.claims_supported.includes(name), name);
  });

  it('clients of different sectors know a person by different subjects, each always by the same', async () => {
    const subject = async (client) => {
      const granted = await tokens(await signedIn(at.provider, graduate), at.provider, client, { scope: 'openid' });
      const { payload } = await verified(at.provider, granted.id_token, client);
      assert.equal((await userinfo(at.provider, granted.access_token)).json.sub, payload.sub);
      return payload.sub;
    };
    const subjects = [await subject(clients.first), await subject(here), await subject(there)];
    assert.equal(new Set(subjects).size, 3, subjects.join(' '));
    await at.provider.stop();
    await at.provider.start();
    assert.equal(await subject(here), subjects[1], 'also after a restart');
    assert.deepEqual((await metadata(at.provider)).subject_types_supported, ['public', 'pairwise']);
  });

  it('O12: a sector document is fetched by https from public hosts only', async () => {
    for (const uri of ['https://127.0.0.1:9/uris.json', 'https://169.254.169.254/latest', 'https://[::ffff:127.0.0.1]/x', 'http://localhost/uris.json']) {
      const file = await at.provider.file('sector.json', { ...here, client_id: 'sector', sector_identifier_uri: uri });
      const { code, stderr } = await at.provider.cli(['client', 'register', '--tenant', 'certificate', '--file', file]);
      assert.notEqual(code, 0, uri);
      assert.match(stderr, /sector_identifier_uri/, uri);
    }
  });

  it('O25: nothing that an administrator or a request says becomes a claim of the protocol', async () => {
    const forged = { iss: 'https://evil.example', sub: 'x', aud: 'x', acr: 'x', amr: ['mfa'], sid: 'x', verified_claims: {} };
    const account = { ...graduate, login_id: 'forger@example.jp', email: 'forger@example.jp', student_ids: [], claims: { ...graduate.claims, ...forged } };
    const file = await at.provider.file('forger.json', account);
    const refused = await at.provider.cli(['account', 'create', '--tenant', 'certificate', '--file', file]);
    assert.notEqual(refused.code, 0, 'reserved claims are refused');
    const wanted = Object.fromEntries(['iss', 'aud', 'amr', 'sid'].map((name) => [name, { value: 'x' }]));
    const granted = await tokens(await signedIn(at.provider, graduate), at.provider, clients.first, { claims: JSON.stringify({ id_token: wanted, userinfo: wanted }) });
    const { payload } = await verified(at.provider, granted.id_token, clients.first);
    for (const name of Object.keys(wanted)) assert.notEqual(payload[name], 'x', name);
    const told = (await userinfo(at.provider, granted.access_token)).json;
    for (const name of Object.keys(wanted)) assert.equal(told[name], undefined, name);
  });
});
