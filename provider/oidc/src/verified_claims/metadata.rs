//! What the discovery document says of verified claims (Identity Assurance §6).

use super::facts;
use madoguchi_domain::tenant::TenantConfig;
use serde::{Deserialize, Serialize};

/// Members of the provider's metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Metadata {
    verified_claims_supported: bool,
    trust_frameworks_supported: Vec<String>,
    claims_in_verified_claims_supported: Vec<String>,
    evidence_supported: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    documents_supported: Vec<String>,
    documents_check_methods_supported: Vec<String>,
    electronic_records_supported: Vec<String>,
}

/// Those of a tenant; `None` where it names no trust framework.
pub(crate) fn metadata(config: &TenantConfig) -> Option<Metadata> {
    let assurance = &config.settings.assurance;
    let trust_framework = assurance.trust_framework.clone()?;
    let names = facts::NAMES.iter().flat_map(|name| facts::WRITINGS.iter().map(move |tag| format!("{name}{tag}")));
    let others = ["birthdate", "student_ids", "affiliation"].map(str::to_owned);
    let fields = config.all_forms().flat_map(|form| form.field("document_type"));
    let mut documents: Vec<String> =
        fields.flat_map(|field| &field.options).map(|choice| facts::document_type(&choice.value).to_owned()).collect();
    documents.sort_unstable();
    documents.dedup();
    Some(Metadata {
        verified_claims_supported: true,
        trust_frameworks_supported: vec![trust_framework],
        claims_in_verified_claims_supported: names.chain(others).collect(),
        evidence_supported: vec!["document".into(), "electronic_record".into()],
        documents_supported: documents,
        documents_check_methods_supported: facts::DOCUMENT_CHECKS.map(str::to_owned).to_vec(),
        electronic_records_supported: std::iter::once(facts::ROSTER.to_owned())
            .chain(assurance.authority_record.clone())
            .collect(),
    })
}
