//! Common passwords: a short list of words, and patterns that no list could contain (NIST SP 800-63B-4 §3.1.1.2,
//! THREATS PW-08).

/// Whether a password, in canonical form, is easy to guess.
pub(super) fn is_common(folded: &str) -> bool {
    let bare = undecorated(folded);
    is_run(folded) || is_word(folded) || bare.is_empty() || is_word(bare) || {
        // A repeated word or run: `passwordpassword`, `abcabcabcabc`.
        [folded, bare].into_iter().filter_map(unit).any(|unit| {
            unit.chars().count() <= 4 || is_word(unit) || is_word(undecorated(unit)) || is_run(unit)
        })
    }
}

/// Whether a password is this word and, around it, only digits and marks.
pub(super) fn is_decorated(folded: &str, word: &str) -> bool {
    !word.is_empty() && (folded == word || undecorated(folded) == undecorated(word))
}

/// The text without digits and marks around it.
fn undecorated(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphabetic())
}

fn is_word(text: &str) -> bool {
    WORDS.split_ascii_whitespace().any(|word| word == text)
}

/// The shortest text that this one repeats.
fn unit(text: &str) -> Option<&str> {
    text.char_indices()
        .skip(1)
        .map(|(at, _)| text.split_at(at).0)
        .take_while(|unit| unit.len() * 2 <= text.len())
        .find(|unit| {
            text.len().is_multiple_of(unit.len())
                && text.as_bytes().chunks(unit.len()).all(|chunk| chunk == unit.as_bytes())
        })
}

/// Whether the text follows a row of keys or letters, forwards or backwards, possibly several times.
fn is_run(text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    ROWS.iter().any(|row| {
        let row: Vec<char> = row.chars().collect();
        let walks = |step: usize| {
            text.windows(2).all(|pair| match pair {
                [one, next] => row
                    .iter()
                    .position(|c| c == one)
                    .is_some_and(|at| row.get((at + step) % row.len()) == Some(next)),
                _ => true,
            })
        };
        text.len() > 1 && (walks(1) || walks(row.len() - 1))
    })
}

/// Rows of keys and letters.
const ROWS: &[&str] = &[
    "0123456789",
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "0123456789abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertzuiopasdfghjklyxcvbnm",
    "qwertzuiopüasdfghjklöäyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp",
    "!@#$%^&*()",
    "abc123",
    "йцукенгшщзхъфывапролджэячсмитьбю",
];

/// Common passwords without case and without digits and marks around them.
const WORDS: &str = "
password passw0rd p@ssword p@ssw0rd p4ssword pa55word pa55w0rd passwort kennwort passwd passphrase
passcode pass mypassword yourpassword thepassword newpassword oldpassword passwordlogin userpassword
adminpassword rootpassword testpassword defaultpassword temppassword temporarypassword initialpassword
passwordistaco changeme changeit changethis pleasechangeme changemeplease changethispassword
letmein letmeinnow letmeinplease pleaseletmein opensesame welcome welcomeback welcomehome welkom
willkommen bienvenue bienvenido benvenuto hello helloworld hellothere hallo halloween hallohallo hola
login signin logmein administrator admin adminadmin root toor superuser sysadmin supervisor manager
master guest user username test testing tester testtest test1234test demo example sample default
secret secretpassword topsecret supersecret mysecret trustno trustnoone nobody nothing whatever
iloveyou iloveu iloveyouforever iloveyousomuch ilovehim iloveher loveyou lovelove lovers love forever
foreverandever together always babygirl babyboy baby angel sunshine princess princesa prinzessin
sweetheart sweetie sweety darling honey sugar cookie chocolate butterfly flower flowers rainbow
monkey dragon tiger lion eagle falcon phoenix wolf panther bear turtle dolphin pony horse kitty kitten
puppy doggy cat dog hunter killer ninja samurai warrior knight wizard merlin gandalf shadow
superman batman spiderman ironman wonderwoman starwars startrek skywalker darthvader yoda matrix
pokemon pikachu naruto goku mario zelda minecraft fortnite roblox playstation nintendo xbox
football fussball futbol soccer baseball basketball hockey tennis golf rugby cricket yankees lakers
cowboys steelers chelsea arsenal liverpool barcelona realmadrid juventus bayern manchester united
michael jordan jennifer jessica michelle daniel andrew thomas robert charlie george matthew joshua
anthony william christopher alexander nicole ashley amanda samantha elizabeth maria anna hannah
jasmine justin brandon tyler jason taylor maggie ginger pepper buster bailey harley tigger snoopy
computer internet keyboard monitor laptop samsung iphone google facebook twitter instagram youtube
whatsapp microsoft windows linux ubuntu apple android network server database system access security
secure private personal account company business office work home family school college university
student teacher friends friend summer autumn winter spring january february march april june july
august september october november december monday tuesday wednesday thursday friday saturday sunday
sommer winter fruehling herbst montag dienstag mittwoch donnerstag freitag samstag sonntag
london paris berlin newyork america england germany france canada australia texas california
mustang corvette ferrari porsche mercedes yamaha honda toyota camaro
freedom liberty peace blessed jesus jesuschrist christ god godisgood heaven faith hope lucky
money cash dollar million success winner champion diamond silver golden crystal purple orange yellow
abc abcd abcde qwerty qwertz azerty qwe asd asdf asdfasdf asdfjkl zxc zxcvbn qweasdzxc qweasd
qwerasdf qwertyqwerty qwertyuiopasdfghjklzxcvbnm zaq xsw zaqxsw zaqwsx qazwsx qazwsxedc wsxedc poiuyt
lkjhgf mnbvcx
fuckyou fuckoff fuck bitch asshole sexy biteme whocares idontknow idontcare iforgot forgot forgotten
correcthorsebatterystaple correct-horse-battery-staple
qwerty123qwerty password123password abcdefghijklmnopqrstuvwxyz
geheim geheimespasswort schatz hase motdepasse azertyuiop soleil doudou contrasena contraseña clave
senha segredo parola wachtwoord losenord haslo salasana heslo jelszo sifre пароль привет йцукен любовь
gatewright openid oauth identity token
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_any_length_are_found() {
        for text in [
            "123456789012345",
            "987654321098765",
            "abcdefghijklmnop",
            "1qaz2wsx3edc4rfv",
            "1q2w3e4r5t6y7u8i",
            "000000000000000",
            "ababababababababab",
            "password1password1",
            "monkeymonkeymonkey",
            "!!!dragon!!!2026",
            "2026-11-22 00:44",
        ] {
            assert!(is_common(text), "{text}");
        }
        for text in ["a sunny rainbow over berlin", "qwerty and then some", "monkey-dragon-tiger"] {
            assert!(!is_common(text), "{text}");
        }
    }
}
