//! Telling clients that a session ended: from the server (OpenID Connect Back-Channel Logout 1.0), and in frames of the
//! page that says so (Front-Channel Logout 1.0).

use crate::{Oidc, OidcError, TenantView, jws};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::{TenantSlug, client::Client, id::SessionId};
use madoguchi_store::oidc::logouts::LogoutNotice;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use url::Url;

/// What a logout token says of itself (Back-Channel Logout §2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a logout token is good.
const LIFETIME: Duration = Duration::from_secs(120);
/// How many notices are delivered at a time.
const BATCH: u32 = 16;
/// For how long a worker has a notice to itself; a delivery that takes longer has failed.
const LEASE: Duration = Duration::from_secs(60);
/// How long after each try the next one comes; after the last the client is not told.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(3_600),
    Duration::from_secs(21_600),
];

impl Oidc {
    /// Notes that a client that wants to hear of the end of a session was used in it.
    pub(crate) async fn note_use(
        &self,
        tenant: &TenantView,
        client: &Client,
        session: &SessionId,
    ) -> Result<(), OidcError> {
        let metadata = &client.metadata;
        if metadata.backchannel_logout_uri.is_some() || metadata.frontchannel_logout_uri.is_some() {
            self.0.database.tenant(tenant.slug()).sessions().used_by(session, &metadata.client_id).await?;
        }
        Ok(())
    }

    /// The pages to load in frames when a session ends (Front-Channel Logout §2). Ask before it ends.
    ///
    /// # Errors
    /// [`OidcError::Store`].
    pub async fn frontchannel_logouts(&self, tenant: &TenantView, session: &SessionId) -> Result<Vec<Url>, OidcError> {
        let mut pages = Vec::new();
        for client_id in self.0.database.tenant(tenant.slug()).sessions().clients(session).await? {
            let Some(client) = self.client(tenant, &client_id).await? else { continue };
            let Some(mut page) = client.metadata.frontchannel_logout_uri.clone() else { continue };
            if client.metadata.frontchannel_logout_session_required {
                page.query_pairs_mut().append_pair("iss", &tenant.issuer).append_pair("sid", session.as_str());
            }
            pages.push(page);
        }
        Ok(pages)
    }

    /// Delivers the notices that are due, of the tenants that `view_of` knows; how many were taken.
    ///
    /// # Errors
    /// [`OidcError::Store`]; what was taken comes again when its lease is over.
    pub async fn deliver_logouts(
        &self,
        view_of: impl Fn(&TenantSlug) -> Option<TenantView>,
    ) -> Result<usize, OidcError> {
        let now = self.0.clock.now();
        let claimed = self.0.database.logout_queue().claim(BATCH, now, now + LEASE).await?;
        let (taken, mut running) = (claimed.len(), JoinSet::new());
        for notice in claimed {
            let (oidc, view) = (self.clone(), view_of(&notice.tenant));
            running.spawn(async move { oidc.deliver(view, &notice).await });
        }
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok(delivered) => delivered?,
                Err(error) => tracing::error!(%error, "a logout notice was interrupted"),
            }
        }
        Ok(taken)
    }

    async fn deliver(&self, view: Option<TenantView>, notice: &LogoutNotice) -> Result<(), OidcError> {
        let queue = self.0.database.logout_queue();
        let Some(view) = view else { return Ok(queue.done(notice).await?) };
        let client = self.client(&view, &notice.client_id).await?;
        let Some((client, uri)) =
            client.and_then(|c| Some((Arc::clone(&c), c.metadata.backchannel_logout_uri.clone()?)))
        else {
            return Ok(queue.done(notice).await?);
        };
        let token = self.logout_token(&view, &client, notice).await?;
        let Err(error) = self.0.outbound.post(&uri, &[("logout_token", &token)]).await else {
            tracing::info!(tenant = %notice.tenant, client = %notice.client_id, "a client was told of a logout");
            return Ok(queue.done(notice).await?);
        };
        let pause = usize::try_from(notice.attempt).ok().and_then(|tries| PAUSES.get(tries.saturating_sub(1)));
        match pause {
            Some(pause) => {
                tracing::warn!(tenant = %notice.tenant, client = %notice.client_id, %error, "a client was not reached with a logout");
                queue.retry(notice, self.0.clock.now() + *pause).await?;
            }
            None => {
                tracing::error!(tenant = %notice.tenant, client = %notice.client_id, %error, "a client is not told of a logout");
                queue.done(notice).await?;
            }
        }
        Ok(())
    }

    /// Back-Channel Logout §2.4. Every try has the same `jti`, so that a client that was told twice can see that.
    async fn logout_token(
        &self,
        tenant: &TenantView,
        client: &Client,
        notice: &LogoutNotice,
    ) -> Result<String, OidcError> {
        let now = self.0.clock.now();
        let id = Sha256::digest(format!("{}\0{}", notice.session, notice.client_id));
        let mut claims = json!({
            "iss": &*tenant.issuer,
            "aud": client.metadata.client_id,
            "iat": now.seconds(),
            "exp": (now + LIFETIME).seconds(),
            "jti": URL_SAFE_NO_PAD.encode(id),
            "sid": notice.session.as_str(),
            "events": {EVENT: {}},
        });
        let account = self.0.database.tenant(tenant.slug()).accounts().find(&notice.account).await?;
        if let (Some(account), Value::Object(members)) = (account, &mut claims) {
            members.insert("sub".into(), self.subject(tenant, client, &account).await?.into());
        }
        let ring = self.ring(tenant).await?;
        let algorithm = client.metadata.id_token_signed_response_alg;
        let key = ring
            .signer(algorithm)
            .ok_or_else(|| OidcError::Keys(format!("{} has no {} key", tenant.slug(), algorithm.as_str())))?;
        jws::sign(key, "logout+jwt", &claims)
    }
}
