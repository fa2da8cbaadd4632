// The form of `verified_claims` as OpenID Identity Assurance Schema Definition 1.0 §5 describes it, for what this provider
// tells. Stricter than the standard: no member beyond those that are meant.

const closed = (properties, required = []) => ({ type: 'object', properties, required, additionalProperties: false });
const list = (items) => ({ type: 'array', minItems: 1, items });
const text = { type: 'string', minLength: 1 };
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' };

const check = closed({ check_method: { enum: ['vri', 'vpip', 'data'] }, organization: text, check_id: text, time }, ['check_method']);

const evidence = {
  oneOf: [
    closed({ type: { const: 'document' }, check_details: list(check), document_details: closed({ type: text }, ['type']) }, ['type']),
    closed({ type: { const: 'electronic_record' }, check_details: list(check), record: closed({ type: text, source: closed({ name: text }) }, ['type']) }, ['type']),
  ],
};

const assurance = closed({ assurance_type: text, assurance_classification: text, evidence_ref: list(closed({ check_id: text }, ['check_id'])) });

const element = closed({
  verification: closed({
    trust_framework: text,
    assurance_level: text,
    assurance_process: closed({ policy: text, procedure: text, assurance_details: list(assurance) }),
    time,
    verification_process: text,
    evidence: list(evidence),
  }, ['trust_framework']),
  claims: { type: 'object', minProperties: 1 },
}, ['verification', 'claims']);

/** An element, or several. */
export const verifiedClaims = { anyOf: [element, list(element)] };
