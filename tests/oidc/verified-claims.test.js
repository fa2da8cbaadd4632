// OpenID Connect for Identity Assurance: from a review at the desk to `verified_claims` at a relying party.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import { expectPage, signIn } from '../support/journey.js';
import { clerk } from '../support/people.js';
import { approvedPerson, askForAnotherName } from '../support/personal.js';
import { authorization, authorize, clients, metadata, responseOf, tokens, userinfo, verified } from '../support/protocol.js';
import { everybody, everyClient, onEachDatabase } from '../support/suite.js';
import { verifiedClaims } from '../support/verified-claims-schema.js';
import { Visitor } from '../support/visitor.js';

const valid = new Ajv({ strict: false }).compile(verifiedClaims);
const framework = 'https://www.madoguchi-univ.example.jp/trust/alumni-registration/v1';

/** Asks for everything that there is. */
const everything = {
  verification: {
    trust_framework: null, time: null, verification_process: null, assurance_process: null,
    evidence: ['document', 'electronic_record'].map((value) => ({ type: { value }, check_details: null, document_details: null, record: null })),
  },
  claims: Object.fromEntries(['name', 'name#ja-Hani-JP', 'family_name#ja-Kana-JP', 'birthdate', 'student_ids', 'affiliation', 'address'].map((name) => [name, null])),
};

onEachDatabase('verified claims', { accounts: everybody, clients: everyClient }, (at) => {
  const claims = (wanted) => JSON.stringify({ userinfo: { verified_claims: wanted }, id_token: { verified_claims: wanted } });
  const told = async (visitor, wanted, client = clients.first) => {
    const granted = await tokens(visitor, at.provider, client, { scope: 'openid', claims: claims(wanted) });
    const { payload } = await verified(at.provider, granted.id_token, client);
    const answer = (await userinfo(at.provider, granted.access_token)).json;
    assert.deepEqual(payload.verified_claims, answer.verified_claims, 'ID token and userinfo say the same');
    return answer.verified_claims;
  };

  it('metadata names the trust framework, evidence, documents, records and claims', async () => {
    const document = await metadata(at.provider);
    assert.equal(document.verified_claims_supported, true);
    assert.equal(document.claims_parameter_supported, true);
    assert.deepEqual(document.trust_frameworks_supported, [framework]);
    assert.deepEqual(document.evidence_supported, ['document', 'electronic_record']);
    assert.deepEqual(document.documents_check_methods_supported, ['vri', 'vpip']);
    assert.ok(document.documents_supported.includes('jp_drivers_license'));
    assert.deepEqual(document.electronic_records_supported, ['education']);
    for (const name of ['birthdate', 'family_name#ja-Hani-JP', 'student_ids']) assert.ok(document.claims_in_verified_claims_supported.includes(name), name);
  });

  it('an approval is told in the form of the standard; a fact under change is not', async () => {
    const person = await approvedPerson(at.provider, await signIn(new Visitor(), at.provider, clerk), {});
    const visitor = await signIn(new Visitor(), at.provider, person);
    const element = await told(visitor, everything);
    assert.ok(valid(element), JSON.stringify(valid.errors));
    const supported = (await metadata(at.provider)).claims_in_verified_claims_supported;
    for (const name of Object.keys(element.claims)) assert.ok(supported.includes(name), `${name} is among the supported ones`);
    assert.equal(element.verification.trust_framework, framework);
    const [document] = element.verification.evidence;
    assert.equal(document.check_details[0].check_method, 'vri');
    assert.equal(element.claims.address, undefined, 'nobody checked the address');
    assert.ok(element.claims.birthdate && element.claims['name#ja-Hani-JP'] && element.claims.student_ids.length === 1);
    // the process leads to the audit log and names nobody
    const rows = await at.provider.database.rows('SELECT subject FROM audit');
    assert.ok(rows.some((row) => row.subject === element.verification.verification_process), 'the process is a subject of the log');
    assert.ok(document.check_details[0].check_id.startsWith(element.verification.verification_process));
    for (const secret of [clerk.claims.name, clerk.email]) assert.ok(!JSON.stringify(element).includes(secret));

    await askForAnotherName(visitor, at.provider);
    await visitor.press('submit');
    await expectPage(visitor, 'message');
    const after = await told(await signIn(new Visitor(), at.provider, person), everything);
    assert.ok(valid(after), JSON.stringify(valid.errors));
    assert.equal(after.claims['name#ja-Hani-JP'], undefined, 'the name waits for a decision');
    assert.equal(after.claims.birthdate, element.claims.birthdate);
  });

  it('consent says that checked facts are handed on, in both languages', async () => {
    const person = await approvedPerson(at.provider, await signIn(new Visitor(), at.provider, clerk), {});
    for (const [language, words] of [['ja', '確認した項目'], ['en', 'checked by the institution']]) {
      const visitor = await signIn(new Visitor({ language }), at.provider, person);
      const wanted = { verification: { trust_framework: null }, claims: { birthdate: null } };
      const { parameters } = authorization(clients.third, { scope: 'openid', claims: claims(wanted) });
      let answer = await authorize(visitor, at.provider, parameters);
      while (answer.location) answer = await visitor.send(answer.location);
      assert.ok(answer.text.includes(words), language);
    }
  });

  it('a malformed request is invalid_request, an unmet one no error', async () => {
    const visitor = await signIn(new Visitor(), at.provider, everybody.at(-1));
    for (const bad of [null, {}, { claims: { name: null } }, { verification: { trust_framework: null, evidence: [{}] }, claims: { name: null } }]) {
      const { parameters } = authorization(clients.first, { claims: claims(bad) });
      assert.equal(responseOf(await authorize(visitor, at.provider, parameters)).get('error'), 'invalid_request', JSON.stringify(bad));
    }
    assert.equal(await told(visitor, { verification: { trust_framework: { value: 'de_aml' } }, claims: { name: null } }), undefined);
  });
});
