//! Budgets of one source address: what one network may ask for, whoever it says that it is.
//!
//! The lock of a login ID stops many guesses at one person, the mails per address stop many mails to one person. What
//! tries one thing on each of many people is stopped here. Behind one address there may be a whole campus, so the
//! budgets are wide; an IPv6 network of 64 bits counts as one address, as one line gets that many.

use crate::{Service, ServiceError, Source, Tenant};
use madoguchi_domain::{Timestamp, TokenHash};
use madoguchi_store::Tx;
use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// So many within so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many.
    pub most: u32,
    /// Within how long, from the first one on.
    pub window: Duration,
}

/// What each source address may do at a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLimits {
    /// Mails that begin something: registration, recovery.
    pub mails: Budget,
    /// Logins that are tried, right or wrong.
    pub sign_ins: Budget,
}

impl Default for SourceLimits {
    /// 20 mails an hour, 100 logins in five minutes.
    fn default() -> Self {
        Self {
            mails: Budget { most: 20, window: Duration::from_secs(3600) },
            sign_ins: Budget { most: 100, window: Duration::from_secs(300) },
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counted {
    Mail,
    SignIn,
}

impl Service {
    /// The counter and budget of a source; `None` where limits are off or the source has no address.
    fn budget(&self, tenant: &Tenant, counted: Counted, source: &Source) -> Option<(TokenHash, Budget)> {
        let limits = self.0.source_limits.as_ref()?;
        let network = network(source.ip?).to_string();
        let (purpose, budget) = match counted {
            Counted::Mail => ("source mail", limits.mails),
            Counted::SignIn => ("source sign-in", limits.sign_ins),
        };
        // Addresses of people are not kept, nor can they be found by trying all.
        Some((self.vault().pseudonym(&tenant.slug, purpose, &network), budget))
    }

    /// Counts one more of a source. When its budget is used up: how long until it is whole again, at most.
    pub(crate) async fn spend(
        &self,
        tenant: &Tenant,
        counted: Counted,
        source: &Source,
    ) -> Result<Result<(), Duration>, ServiceError> {
        let Some((key, budget)) = self.budget(tenant, counted, source) else { return Ok(Ok(())) };
        let count = self.store(tenant).rates().hit(&key, self.now(), budget.window).await?;
        Ok(within(count, budget))
    }

    /// The same as part of a transaction.
    pub(crate) async fn spend_in(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        counted: Counted,
        source: &Source,
        now: Timestamp,
    ) -> Result<Result<(), Duration>, ServiceError> {
        let Some((key, budget)) = self.budget(tenant, counted, source) else { return Ok(Ok(())) };
        let count = tx.rates().hit(&key, now, budget.window).await?;
        Ok(within(count, budget))
    }
}

fn within(count: u32, budget: Budget) -> Result<(), Duration> {
    if count > budget.most { Err(budget.window) } else { Ok(()) }
}

/// The address, or the /64 network of an IPv6 address; an IPv4 address written as IPv6 is that address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_ipv6_is_one_source() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:3::1"), of("2001:db8:1:2::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
