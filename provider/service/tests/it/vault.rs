//! What is sealed stays what and whose it was.

use crate::support::{on_each_database, start};
use madoguchi_service::{StartError, vault::VaultError};

on_each_database! {
    async fn sealed_data_opens_as_what_it_is_and_as_nothing_else(world: World) {
        let vault = world.service.vault();
        let (ours, theirs) = (&world.certificate.slug, &world.residence.slug);
        let sealed = vault.seal(ours, "document", "doc_1", b"a passport").await.unwrap();
        assert!(!sealed.windows(4).any(|w| w == b"pass"));
        assert_eq!(vault.open_sealed(ours, "document", "doc_1", &sealed).await.unwrap().as_slice(), b"a passport");
        for (tenant, purpose, id) in [(theirs, "document", "doc_1"), (ours, "mail", "doc_1"), (ours, "document", "doc_2")] {
            assert!(matches!(vault.open_sealed(tenant, purpose, id, &sealed).await, Err(VaultError::Damaged { .. })));
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open_sealed(ours, "document", "doc_1", &changed).await.is_err(), "byte {at}");
            assert!(vault.open_sealed(ours, "document", "doc_1", &sealed[..at]).await.is_err());
        }
    }

    async fn another_node_opens_it_and_a_wrong_master_key_does_not_start(world: World) {
        let ours = &world.certificate.slug;
        let sealed = world.service.vault().seal(ours, "document", "doc_1", b"x").await.unwrap();
        let node = start(&world.database, &world.clock, &world.entropy, [7; 32]).await.unwrap();
        assert_eq!(node.vault().open_sealed(ours, "document", "doc_1", &sealed).await.unwrap().as_slice(), b"x");
        assert_eq!(node.vault().pseudonym(ours, "login", "a"), world.service.vault().pseudonym(ours, "login", "a"));

        let wrong = start(&world.database, &world.clock, &world.entropy, [8; 32]).await;
        assert!(matches!(wrong.err(), Some(StartError::Vault(VaultError::WrongMasterKey))));
        let still = start(&world.database, &world.clock, &world.entropy, [7; 32]).await.unwrap();
        assert_eq!(still.vault().open_sealed(ours, "document", "doc_1", &sealed).await.unwrap().as_slice(), b"x");
    }
}
