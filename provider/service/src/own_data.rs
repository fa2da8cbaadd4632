//! A copy of everything that is kept about somebody, for themselves: JSON whose shape `docs/src/reference/own-data.md`
//! tells. No secrets, no names of those who decided, nothing of other people.

use crate::{ActiveSession, Service, ServiceError, Source, Tenant};
use chrono::SecondsFormat;
use madoguchi_domain::{
    Timestamp,
    account::{EnrolmentFacts, Profile},
    application::{Application, Decision},
    audit::{Action, Actor, AuditEvent},
    form::Answers,
    verification::{Evidence, Verification},
};
use madoguchi_store::documents::Document;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the shape; grows when a member changes its meaning or goes away.
const FORMAT: &str = "madoguchi-own-data/1";
/// The most events that are told, latest first.
const EVENTS: u32 = 2000;

/// Everything that is kept about somebody. Moments are RFC 3339 in UTC.
#[derive(Debug, Serialize)]
pub struct OwnData {
    format: &'static str,
    issuer: String,
    made_at: String,
    account: OwnAccount,
    profile: Value,
    enrolments: Vec<OwnEnrolment>,
    applications: Vec<OwnApplication>,
    connected_applications: Vec<OwnConnection>,
    sessions: Vec<OwnSession>,
    events: Vec<OwnEvent>,
}

#[derive(Debug, Serialize)]
struct OwnAccount {
    /// As relying parties know it (those with pairwise identifiers aside).
    subject: String,
    login_id: String,
    mail: String,
    language: String,
    staff_roles: Value,
    created_at: String,
    /// Which credentials are set, and since when.
    credentials: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
struct OwnEnrolment {
    student_id: String,
    #[serde(flatten)]
    facts: EnrolmentFacts,
    verified: Option<OwnVerification>,
    added_at: String,
}

/// How something was verified: not by whom.
#[derive(Debug, Serialize)]
struct OwnVerification {
    evidence: Vec<Evidence>,
    document: String,
    at: String,
    /// Whether an application that is not decided wants to change it.
    in_question: bool,
}

#[derive(Debug, Serialize)]
struct OwnApplication {
    reference: String,
    kind: &'static str,
    state: &'static str,
    mail: String,
    submitted_at: String,
    first_submitted_at: String,
    decided_at: Option<String>,
    terms_version: String,
    terms_accepted_at: String,
    answers: Answers,
    documents: Vec<OwnDocument>,
    decisions: Vec<OwnDecision>,
}

#[derive(Debug, Serialize)]
struct OwnDocument {
    item: String,
    media_type: String,
    bytes: u32,
    received_at: String,
    erased_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct OwnDecision {
    verdict: &'static str,
    reason: String,
    notes: BTreeMap<String, String>,
    at: String,
}

#[derive(Debug, Serialize)]
struct OwnConnection {
    client_id: String,
    scopes: BTreeSet<String>,
    claims: BTreeSet<String>,
    agreed_at: Option<String>,
    last_token_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct OwnSession {
    this: bool,
    begun_at: String,
    last_seen_at: String,
    browser: String,
    address: Option<String>,
}

#[derive(Debug, Serialize)]
struct OwnEvent {
    at: String,
    action: &'static str,
    /// `self`, `staff`, `visitor` (nobody was signed in), `system`.
    by: &'static str,
    #[serde(skip_serializing_if = "Value::is_null")]
    detail: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl Service {
    /// Gathers a copy of everything, and notes in the log that it was taken.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn own_data(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        source: &Source,
    ) -> Result<OwnData, ServiceError> {
        let (store, account) = (self.store(tenant), &active.account);
        let mut tx = store.begin().await?;
        let actor = Actor::Account(account.id.clone());
        self.record(&mut tx, actor, Action::OwnDataTaken, account.id.as_str(), json!({}), Some(source)).await?;
        self.commit(tx).await?;

        let mut applications = Vec::new();
        for application in self.applications_of(tenant, account).await? {
            let decisions = store.decisions().of(&application.id).await?;
            let documents = store.documents().of_application(&application.id).await?;
            applications.push(own_application(application, documents, decisions));
        }
        let credentials = store.credentials().of(&account.id).await?;
        let lines = store.audit().by_subject(account.id.as_str(), EVENTS).await?;
        Ok(OwnData {
            format: FORMAT,
            issuer: tenant.issuer.clone(),
            made_at: utc(self.now()),
            account: OwnAccount {
                subject: account.sub.clone(),
                login_id: account.login_id.clone(),
                mail: account.email.as_str().to_owned(),
                language: account.locale.to_string(),
                staff_roles: serde_json::to_value(&account.staff_roles).map_err(ServiceError::bug)?,
                created_at: utc(account.created_at),
                credentials: credentials.iter().map(|c| (c.kind.as_str(), utc(c.set_at))).collect(),
            },
            profile: own_profile(&account.profile)?,
            enrolments: self
                .enrolments_of(tenant, account)
                .await?
                .into_iter()
                .map(|e| OwnEnrolment {
                    student_id: e.student_id,
                    facts: e.facts,
                    verified: e.verified.as_ref().map(own_verification),
                    added_at: utc(e.created_at),
                })
                .collect(),
            applications,
            connected_applications: self
                .connections_of(tenant, account)
                .await?
                .into_iter()
                .map(|c| OwnConnection {
                    client_id: c.client_id,
                    scopes: c.scopes,
                    claims: c.claims,
                    agreed_at: c.agreed_at.map(utc),
                    last_token_at: c.used_at.map(utc),
                })
                .collect(),
            sessions: self
                .sessions_of(tenant, active)
                .await?
                .into_iter()
                .map(|place| OwnSession {
                    this: place.this,
                    begun_at: utc(place.session.created_at),
                    last_seen_at: utc(place.session.last_seen_at),
                    browser: place.begun.user_agent,
                    address: place.begun.source_ip,
                })
                .collect(),
            events: lines.into_iter().map(|line| own_event(line.event, active)).collect(),
        })
    }
}

/// The profile as it is kept, but for who verified it.
fn own_profile(profile: &Profile) -> Result<Value, ServiceError> {
    let verified: BTreeMap<&String, OwnVerification> =
        profile.verified.iter().map(|(fact, how)| (fact, own_verification(how))).collect();
    let mut whole = serde_json::to_value(profile).map_err(ServiceError::bug)?;
    if let Some(members) = whole.as_object_mut() {
        members.insert("verified".into(), serde_json::to_value(verified).map_err(ServiceError::bug)?);
    }
    Ok(whole)
}

fn own_verification(how: &Verification) -> OwnVerification {
    OwnVerification {
        evidence: how.evidence.clone(),
        document: how.document.clone(),
        at: utc(how.at),
        in_question: how.suspended_by.is_some(),
    }
}

/// What the person was told, and when: not by whom.
fn own_application(application: Application, documents: Vec<Document>, decisions: Vec<Decision>) -> OwnApplication {
    OwnApplication {
        reference: application.reference,
        kind: application.kind.as_str(),
        state: application.lifecycle.state.as_str(),
        mail: application.email.as_str().to_owned(),
        submitted_at: utc(application.submitted_at),
        first_submitted_at: utc(application.created_at),
        decided_at: application.decided_at.map(utc),
        terms_version: application.terms.0,
        terms_accepted_at: utc(application.terms.1),
        answers: application.answers,
        documents: documents
            .into_iter()
            .map(|d| OwnDocument {
                item: d.slot,
                media_type: d.media_type,
                bytes: d.bytes,
                received_at: utc(d.created_at),
                erased_at: d.deleted_at.map(utc),
            })
            .collect(),
        decisions: decisions
            .into_iter()
            .map(|d| OwnDecision { verdict: d.verdict.as_str(), reason: d.reason, notes: d.notes, at: utc(d.at) })
            .collect(),
    }
}

/// What others did is told without its details: they may name those others, and so may their address.
fn own_event(event: AuditEvent, active: &ActiveSession) -> OwnEvent {
    let (by, own) = match &event.actor {
        Actor::Account(id) if *id == active.account.id => ("self", true),
        Actor::Account(_) | Actor::Operator(_) => ("staff", false),
        Actor::Visitor => ("visitor", false),
        Actor::System => ("system", false),
    };
    OwnEvent {
        at: utc(event.at),
        action: event.action.as_str(),
        by,
        detail: if own { event.detail } else { Value::Null },
        address: event.source_ip.filter(|_| own || by == "visitor"),
    }
}

fn utc(at: Timestamp) -> String {
    at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
}
