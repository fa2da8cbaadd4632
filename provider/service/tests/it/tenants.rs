//! Configurations as versions, and every node's cache of them.

use crate::support::{on_each_database, start};
use madoguchi_domain::{audit::Actor, tenant::TenantFiles};
use madoguchi_service::tenants::ApplyError;
use std::path::Path;

/// A shipped tenant's files.
fn shipped(slug: &str) -> TenantFiles {
    fn read(folder: &Path, below: &str, files: &mut TenantFiles) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                read(&entry.path(), &format!("{name}/"), files);
            } else {
                files.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut files = TenantFiles::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants").join(slug), "", &mut files);
    files
}

fn edited(files: &TenantFiles, file: &str, from: &str, to: &str) -> TenantFiles {
    let mut files = files.clone();
    let text = String::from_utf8(files[file].clone()).unwrap();
    assert!(text.contains(from), "{from}");
    files.insert(file.into(), text.replace(from, to).into_bytes());
    files
}

const CLIENT: &str = r#"
[[client]]
client_id = "extra-app"
client_name = "Extra"
redirect_uris = ["https://extra.example.jp/callback"]
token_endpoint_auth_method = "none"
"#;

on_each_database! {
    async fn files_become_a_version_once_and_every_node_sees_it(world: World) {
        let by = Actor::Operator("test".into());
        let files = shipped("certificate");
        let other = start(&world.database, &world.clock, &world.entropy, [7; 32]).await.unwrap();
        let applied = world.service.apply_tenant(&files, &by).await.unwrap();
        assert_eq!((applied.version, applied.changed), (1, true));
        let again = world.service.apply_tenant(&files, &by).await.unwrap();
        assert_eq!((again.version, again.changed), (1, false));
        assert_eq!(world.service.export_tenant(&applied.slug).await.unwrap().unwrap(), files);
        assert_eq!(world.log(&world.certificate).await, ["tenant_applied"]);

        assert!(other.tenant(&applied.slug).is_none());
        other.poll_tenants().await.unwrap();
        let seen = other.tenant(&applied.slug).unwrap();
        assert_eq!(seen.issuer, "https://id.example.jp/t/certificate");
        assert_eq!(seen.url("/login"), "https://id.example.jp/t/certificate/login");

        let changed = edited(&files, "tenant.toml", "[lockout]", "# changed\n[lockout]");
        let diff = world.service.diff_tenant(&changed).await.unwrap();
        assert_eq!(diff.len(), 1);
        assert!(diff[0].text.contains("+# changed"), "{}", diff[0].text);
        assert_eq!(world.service.apply_tenant(&changed, &by).await.unwrap().version, 2);
        other.poll_tenants().await.unwrap();
        let newer = other.tenant(&applied.slug).unwrap();
        assert!(newer.version == 2 && newer.generation > seen.generation);
        assert_eq!(other.tenants().len(), 1);
    }

    async fn clients_follow_the_files(world: World) {
        let by = Actor::System;
        let files = shipped("residence");
        let mut more = files.clone();
        more.entry("clients.toml".into()).or_default().extend(CLIENT.bytes());
        let slug = world.service.apply_tenant(&more, &by).await.unwrap().slug;
        let store = world.database.tenant(&slug);
        assert!(store.clients().find("extra-app").await.unwrap().is_some());
        world.service.apply_tenant(&files, &by).await.unwrap();
        assert!(store.clients().find("extra-app").await.unwrap().is_none());
    }

    async fn what_is_wrong_is_named_and_changes_nothing(world: World) {
        let by = Actor::System;
        let files = shipped("certificate");
        world.service.apply_tenant(&files, &by).await.unwrap();
        let broken = edited(&files, "tenant.toml", "[lockout]", "[lokout]");
        match world.service.apply_tenant(&broken, &by).await {
            Err(ApplyError::Invalid(problems)) => {
                assert!(problems.iter().any(|p| p.file == "tenant.toml" && p.line.is_some()), "{problems:?}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(world.service.tenants()[0].version, 1);
    }
}
