//! Accounts and the search for people.

use frontdesk_protocol::Role;
use frontdesk_store::{AddOutcome, Error, NewUser};

use crate::fixture::{desk, person};

#[tokio::test]
async fn a_phone_number_has_one_account() {
    let desk = desk().await;
    let again = NewUser { phone: "5550001".into(), name: "Other".into(), role: Role::User, password_hash: Some("$x".into()) };
    assert_eq!(desk.store.add_user(again).await.unwrap(), AddOutcome::PhoneTaken);
    let account = desk.store.account_by_phone("5550001").await.unwrap().unwrap();
    assert_eq!((account.user.clone(), account.password_hash.clone()), (desk.grace.clone(), None));
    assert_eq!(desk.store.account(desk.grace.id).await.unwrap(), Some(account.clone()));
    assert_eq!(desk.store.account_by_phone("nobody").await.unwrap(), None);
    assert_eq!(desk.store.accounts().await.unwrap().len(), 2);
    assert!(desk.store.has_accounts().await.unwrap());
    assert!(!format!("{:?}", desk.store.account(desk.grace.id).await).contains("hash"), "no log shows a hash");
}

#[tokio::test]
async fn accounts_change_and_say_whether_they_are_there() {
    let desk = desk().await;
    let id = desk.grace.id;
    assert!(desk.store.set_password(id, "$new".into(), false).await.unwrap());
    assert!(desk.store.set_role(id, Role::Admin).await.unwrap());
    assert!(desk.store.set_disabled(id, true).await.unwrap());
    let account = desk.store.account(id).await.unwrap().unwrap();
    assert_eq!((account.password_hash.as_deref(), account.user.role, account.disabled), (Some("$new"), Role::Admin, true));
    assert!(!desk.store.set_password(99, "$".into(), true).await.unwrap());
    assert!(!desk.store.set_role(99, Role::User).await.unwrap());
    assert!(!desk.store.set_disabled(99, true).await.unwrap());
}

#[tokio::test]
async fn people_are_found_by_part_of_name_or_phone_and_listed_by_name() {
    let desk = desk().await;
    for (name, phone) in [("Émile", "70"), ("émile", "71"), ("Bob", "72"), ("Bob", "73"), ("a%b", "74")] {
        person(&desk.store, name, phone, Role::User).await;
    }
    let names =
        async |q: &str| -> Vec<String> { desk.store.people(q, None, 50).await.unwrap().0.into_iter().map(|user| user.name).collect() };
    assert_eq!(names("").await, ["a%b", "Ada", "Bob", "Bob", "Grace", "Émile", "émile"]);
    assert_eq!(names("ÉMI").await, ["Émile", "émile"]);
    assert_eq!(names("%").await, ["a%b"]);
    assert_eq!(names("73").await, ["Bob"]);
    let (mut paged, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let (page, next) = desk.store.people("", cursor.as_deref(), 2).await.unwrap();
        paged.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, desk.store.people("", None, 50).await.unwrap().0);
    assert!(matches!(desk.store.people("", Some("x"), 2).await, Err(Error::Cursor(_))));
}
