//! What a reviewer sees beside an application: what the roster says, and who else may be the same person.

use super::decide::stored;
use crate::{Service, ServiceError, Tenant, accounts::person_keys, directory::RosterSource};
use chrono::NaiveDate;
use madoguchi_domain::{
    account::{Account, EnrolmentFacts, Profile},
    application::{Application, ApplicationKind, ApplicationState},
    form::{SearchKeys, Validated, personal},
    id::ApplicationId,
    japan::search_key,
};
use madoguchi_plugin_sdk::{
    Agreement, DirectoryError, DirectoryQuery, DirectoryRecord, MatchDetails, Outcome, YearMonth, find_in_time,
};
use madoguchi_store::{TenantStore, accounts::AccountWithEnrolments};

/// Most records of the roster that are shown beside an application.
const MOST_RECORDS: usize = 5;
/// Most duplicates that are shown.
const MOST_DUPLICATES: usize = 10;

/// What was handed in, read as a person and a stay.
pub(crate) struct Claimed {
    pub(crate) profile: Profile,
    pub(crate) student_id: String,
    pub(crate) facts: EnrolmentFacts,
    pub(crate) keys: SearchKeys,
}

impl Claimed {
    pub(crate) fn of(validated: &Validated) -> Self {
        let (student_id, facts) = validated.enrolment().unwrap_or_default();
        Self { profile: validated.profile(), student_id, facts, keys: validated.search_keys() }
    }

    /// What an account's own application says: about another stay, or about the person.
    fn of_account(
        tenant: &Tenant,
        application: &Application,
        AccountWithEnrolments { account, enrolments }: AccountWithEnrolments,
    ) -> Self {
        let handed_in = Self::of(&stored(application));
        match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => handed_in,
            ApplicationKind::Enrolment => {
                let student_id_key = handed_in.keys.student_id_key;
                let keys = SearchKeys { student_id_key, ..person_keys(&account.profile) };
                Self { profile: account.profile, keys, ..handed_in }
            }
            ApplicationKind::ProfileChange => {
                let reviewed: Vec<String> = tenant
                    .config
                    .personal(&account.profile.kind_of_user)
                    .reviewed()
                    .fields()
                    .map(|f| f.key.clone())
                    .collect();
                let form = tenant.config.form_of(&account.profile.kind_of_user);
                let profile = personal::with_answers(&account.profile, form, &reviewed, &application.answers);
                // the roster knows the person by a stay, if it does
                let stay = enrolments.into_iter().find(|e| !e.student_id.is_empty());
                let (student_id, facts) = stay.map(|e| (e.student_id, e.facts)).unwrap_or_default();
                let student_id_key = madoguchi_domain::japan::id_key(&student_id);
                let keys = SearchKeys { student_id_key, ..person_keys(&profile) };
                Self { profile, student_id, facts, keys }
            }
        }
    }

    /// What to call the person in a mail.
    pub(crate) fn name(&self) -> String {
        let profile = &self.profile;
        if profile.name.is_empty() { profile.name_roman.clone() } else { profile.name.clone() }
    }

    /// The name in the institution's books: the one then, where it was given.
    fn name_then(&self) -> &str {
        if self.facts.school_name.is_empty() { &self.profile.name } else { &self.facts.school_name }
    }

    fn kana_then(&self) -> &str {
        if self.facts.school_name_kana.is_empty() { &self.profile.name_kana } else { &self.facts.school_name_kana }
    }

    pub(crate) fn query(&self) -> DirectoryQuery {
        let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        DirectoryQuery {
            student_id: given(&self.student_id),
            name: given(self.name_then()),
            name_kana: given(self.kana_then()),
            birth_date: NaiveDate::parse_from_str(&self.profile.birth_date, "%Y-%m-%d").ok(),
            graduation: year_month(&self.facts.graduation),
            limit: MOST_RECORDS,
        }
    }
}

fn year_month(text: &str) -> Option<YearMonth> {
    let (year, month) = text.split_once('-')?;
    YearMonth::new(year.parse().ok()?, month.parse().ok()?)
}

/// What the institution's roster says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RosterAnswer {
    /// These records may be the person, the likeliest first; nobody when empty.
    Records(Vec<RosterRecord>),
    /// The tenant has no roster.
    NoRoster,
    /// The directory does not answer at the moment.
    Unavailable,
}

/// A record of the roster, held against the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterRecord {
    /// As the institution keeps it.
    pub record: DirectoryRecord,
    /// Whether this is certainly the person: birth date and a name are the same, and nothing differs.
    pub exact: bool,
    /// Item by item, in the order people read them.
    pub items: Vec<ComparedItem>,
}

/// One item of a record beside what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedItem {
    /// `student_id`, `name`, `name_kana`, `name_roman`, `birth_date`, `affiliation`, `graduation`, `outcome`.
    pub key: &'static str,
    /// As typed.
    pub typed: String,
    /// As kept.
    pub kept: String,
    /// How the two stand to each other.
    pub agreement: Agreement,
}

impl Service {
    /// What an application says about its person.
    pub(crate) async fn claimed(&self, tenant: &Tenant, application: &Application) -> Result<Claimed, ServiceError> {
        let by_account = match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => None,
            ApplicationKind::Enrolment | ApplicationKind::ProfileChange => application.account.as_ref(),
        };
        let found = match by_account {
            Some(id) => self.store(tenant).accounts().with_enrolments(id).await?,
            None => None,
        };
        Ok(match found {
            Some(account) => Claimed::of_account(tenant, application, account),
            None => Claimed::of(&stored(application)),
        })
    }

    /// Asks the directory about an applicant; the answer is bounded in time and size.
    pub(crate) async fn ask_roster(&self, tenant: &Tenant, claimed: &Claimed) -> RosterAnswer {
        let source: RosterSource<'_> = self.roster();
        let query = claimed.query();
        match find_in_time(source.get(), &tenant.slug, &query).await {
            Ok(records) => RosterAnswer::Records(
                records.into_iter().take(MOST_RECORDS).map(|r| compare(tenant, claimed, &query, r)).collect(),
            ),
            Err(DirectoryError::NoRecords) => RosterAnswer::NoRoster,
            Err(error) => {
                tracing::warn!(tenant = %tenant.slug, %error, "the directory did not answer");
                RosterAnswer::Unavailable
            }
        }
    }
}

fn compare(tenant: &Tenant, claimed: &Claimed, query: &DirectoryQuery, record: DirectoryRecord) -> RosterRecord {
    let details = query.compare(&record);
    let MatchDetails { student_id, name, name_kana, birth_date, graduation } = details;
    let outcome = record.outcome.and_then(|outcome| match outcome {
        Outcome::Graduated => Some("graduated"),
        Outcome::Withdrawn => Some("withdrawn"),
        Outcome::Enrolled => Some("enrolled"),
        _ => None,
    });
    let outcome = outcome.unwrap_or_default();
    let item = |key, typed: &str, kept: &str, agreement| ComparedItem {
        key,
        typed: typed.to_owned(),
        kept: kept.to_owned(),
        agreement,
    };
    let items = vec![
        item("student_id", &claimed.student_id, &record.student_id, student_id),
        item("name", claimed.name_then(), &record.name, name),
        item("name_kana", claimed.kana_then(), &record.name_kana, name_kana),
        folded("name_roman", &claimed.facts.school_name_roman, &record.name_roman),
        item(
            "birth_date",
            &claimed.profile.birth_date,
            &record.birth_date.map(|d| d.to_string()).unwrap_or_default(),
            birth_date,
        ),
        affiliation(tenant, &claimed.facts.affiliation, &record.affiliation),
        item(
            "graduation",
            &claimed.facts.graduation,
            &record.graduation.map(|g| g.to_string()).unwrap_or_default(),
            graduation,
        ),
        folded("outcome", &claimed.facts.outcome, outcome),
    ];
    RosterRecord { exact: details.is_exact(), record, items }
}

fn folded(key: &'static str, typed: &str, kept: &str) -> ComparedItem {
    let (a, b) = (search_key(typed), search_key(kept));
    let agreement = match (a.is_empty() || b.is_empty(), a == b) {
        (true, _) => Agreement::Unknown,
        (false, true) => Agreement::Same,
        (false, false) => Agreement::Different,
    };
    ComparedItem { key, typed: typed.to_owned(), kept: kept.to_owned(), agreement }
}

/// A place in the affiliation tree beside a roster's words for it, in whichever of the tenant's languages those are: the
/// language in which the two agree best counts. A roster may leave out the university, or the subject; then what one
/// has stands within the other.
fn affiliation(tenant: &Tenant, codes: &[String], kept: &[String]) -> ComparedItem {
    let kept = kept.join(" ");
    let in_language = |locale| {
        let names = codes.iter().map(|code| tenant.config.affiliation(code).map_or(code.as_str(), |a| a.label(locale)));
        let mut item = folded("affiliation", &names.collect::<Vec<_>>().join(" "), &kept);
        if item.agreement == Agreement::Different {
            let (a, b) = (search_key(&item.typed), search_key(&kept));
            if a.contains(&b) || b.contains(&a) {
                item.agreement = Agreement::Similar;
            }
        }
        item
    };
    let rank = |item: &ComparedItem| match item.agreement {
        Agreement::Same => 3,
        Agreement::Similar => 2,
        Agreement::Different => 1,
        Agreement::Unknown => 0,
    };
    let settings = &tenant.config.settings;
    // of equals the last wins, and that is to be the tenant's own language
    let languages = settings.locales.iter().chain([&settings.default_locale]);
    languages.map(in_language).max_by_key(rank).unwrap_or_else(|| folded("affiliation", "", &kept))
}

/// Why two records may be one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resemblance {
    /// The same mail address.
    Mail,
    /// The same student ID number.
    StudentId,
    /// The same name, by its search key.
    Name,
    /// The same name in kana.
    Kana,
    /// The same date of birth.
    BirthDate,
}

impl Resemblance {
    /// Stable name, for texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Resemblance::Mail => "mail",
            Resemblance::StudentId => "student_id",
            Resemblance::Name => "name",
            Resemblance::Kana => "kana",
            Resemblance::BirthDate => "birth_date",
        }
    }
}

/// An account that may belong to the applicant.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountLike {
    /// The account.
    pub account: Account,
    /// Why.
    pub why: Vec<Resemblance>,
}

/// Another application that may be the same person's.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationLike {
    /// Its id.
    pub id: ApplicationId,
    /// Its reference number.
    pub reference: String,
    /// Where it stands.
    pub state: ApplicationState,
    /// The name in it.
    pub name: String,
    /// Why.
    pub why: Vec<Resemblance>,
}

/// What two records are held against each other by.
pub(crate) struct Person<'a> {
    pub(crate) email: &'a str,
    pub(crate) keys: &'a SearchKeys,
    pub(crate) student_ids: Vec<&'a str>,
}

/// What two persons have in common; empty unless that is enough to think them one.
pub(crate) fn resemblance(a: &Person<'_>, b: &Person<'_>) -> Vec<Resemblance> {
    let same = |x: &str, y: &str| !x.is_empty() && x == y;
    let mut why = Vec::new();
    if same(a.email, b.email) {
        why.push(Resemblance::Mail);
    }
    if a.student_ids.iter().any(|x| b.student_ids.iter().any(|y| same(x, y))) {
        why.push(Resemblance::StudentId);
    }
    if same(&a.keys.name_key, &b.keys.name_key) {
        why.push(Resemblance::Name);
    }
    if same(&a.keys.kana_key, &b.keys.kana_key) {
        why.push(Resemblance::Kana);
    }
    if same(&a.keys.birth_date, &b.keys.birth_date) {
        why.push(Resemblance::BirthDate);
    }
    let by_number = why.iter().any(|w| matches!(w, Resemblance::Mail | Resemblance::StudentId));
    let by_name = why.iter().any(|w| matches!(w, Resemblance::Name | Resemblance::Kana));
    if by_number || (by_name && why.contains(&Resemblance::BirthDate)) { why } else { Vec::new() }
}

/// Accounts and other applications that may be the applicant's.
pub(crate) async fn duplicates(
    store: &TenantStore,
    application: &Application,
    claimed: &Claimed,
) -> Result<(Vec<AccountLike>, Vec<ApplicationLike>), ServiceError> {
    let keys = &claimed.keys;
    let email = application.email.canonical();
    let this = Person { email: &email, keys, student_ids: vec![&keys.student_id_key] };

    let mut accounts = Vec::new();
    for AccountWithEnrolments { account, enrolments } in store.accounts().similar(keys, &email).await? {
        if application.account.as_ref() == Some(&account.id) {
            continue;
        }
        let numbers: Vec<String> = enrolments.iter().map(|e| madoguchi_domain::japan::id_key(&e.student_id)).collect();
        let other_keys = person_keys(&account.profile);
        let other_email = account.email.canonical();
        let other = Person {
            email: &other_email,
            keys: &other_keys,
            student_ids: numbers.iter().map(String::as_str).collect(),
        };
        let why = resemblance(&this, &other);
        if !why.is_empty() {
            accounts.push(AccountLike { account, why });
        }
    }
    let mut applications = Vec::new();
    for other in store.applications().similar(keys, &email, &application.id).await? {
        if other.account.is_some() && other.account == application.account {
            continue;
        }
        let other_keys = stored(&other).search_keys();
        let other_email = other.email.canonical();
        let person = Person { email: &other_email, keys: &other_keys, student_ids: vec![&other_keys.student_id_key] };
        let why = resemblance(&this, &person);
        if !why.is_empty() {
            let name = super::first_answer(&other, &["name", "name_roman"]);
            applications.push(ApplicationLike {
                id: other.id,
                reference: other.reference,
                state: other.lifecycle.state,
                name,
                why,
            });
        }
    }
    accounts.sort_by_key(|a| std::cmp::Reverse(a.why.len()));
    applications.sort_by_key(|a| std::cmp::Reverse(a.why.len()));
    accounts.truncate(MOST_DUPLICATES);
    applications.truncate(MOST_DUPLICATES);
    Ok((accounts, applications))
}

/// Whether the reviewer's account and the applicant are one person, as far as anybody can tell.
pub(crate) fn is_own(reviewer: &Account, application: &Application, keys: &SearchKeys) -> bool {
    if application.account.as_ref() == Some(&reviewer.id) || application.email.canonical() == reviewer.email.canonical()
    {
        return true;
    }
    let theirs = person_keys(&reviewer.profile);
    let same = |x: &str, y: &str| !x.is_empty() && x == y;
    same(&theirs.birth_date, &keys.birth_date)
        && (same(&theirs.name_key, &keys.name_key) || same(&theirs.kana_key, &keys.kana_key))
}
