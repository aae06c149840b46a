//! Spanish.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "es",
    language: Language::Spanish,
    endonym: "Español",
    common: Common {
        support: "Ayuda",
        privacy: "Privacidad",
        imprint: "Aviso legal",
        title: |what, place| format!("{what} – {place}"),
        problem: "Error: ",
        footer: "Más información",
        language: "Idioma",
        new_tab: "se abre en otra pestaña",
        show_password: "Mostrar la contraseña",
        caps_lock: "El bloqueo de mayúsculas está activado.",
        copy: "Copiar",
        copied: "Copiado",
        back_to: |client| format!("Volver a {client}"),
        password: "Contraseña",
        signed_in_as: "Sesión iniciada como",
        not_you: "¿No es usted?",
        your_account: "Su cuenta",
        sign_out: "Cerrar sesión",
        to_continue_to: |client| format!("para continuar a {client}"),
    },
    claims: Claims {
        name: |name| {
            Some(match name {
                "name" => "nombre completo",
                "given_name" => "nombre",
                "family_name" => "apellidos",
                "middle_name" => "segundo nombre",
                "nickname" => "apodo",
                "preferred_username" => "nombre de usuario",
                "profile" => "página de perfil",
                "picture" => "foto",
                "website" => "sitio web",
                "email" => "correo electrónico",
                "email_verified" => "si su correo electrónico está confirmado",
                "gender" => "género",
                "birthdate" => "fecha de nacimiento",
                "zoneinfo" => "zona horaria",
                "locale" => "idioma",
                "phone_number" => "número de teléfono",
                "phone_number_verified" => "si su número de teléfono está confirmado",
                "address" => "dirección postal",
                "updated_at" => "cuándo cambiaron sus datos por última vez",
                _ => return None,
            })
        },
        see: |list| format!("Ver estos datos: {list}"),
    },
    form_post: FormPost {
        title: |client| format!("Volviendo a {client}"),
        detail: "Será solo un momento. Si no ocurre nada, continúe usted:",
        submit: "Continuar",
    },
    scopes: Scopes {
        openid: ScopeWords {
            short: None,
            name: "Reconocerle",
            detail: "Mediante un identificador permanente, para saber quién es la próxima vez.",
        },
        profile: ScopeWords {
            short: Some("perfil"),
            name: "Ver su perfil",
            detail: "Su nombre, foto, idioma y datos parecidos.",
        },
        email: ScopeWords {
            short: Some("correo electrónico"),
            name: "Ver su correo electrónico",
            detail: "Y si está confirmado.",
        },
        address: ScopeWords {
            short: Some("dirección postal"),
            name: "Ver su dirección postal",
            detail: "Calle, población, código postal y país.",
        },
        phone: ScopeWords {
            short: Some("número de teléfono"),
            name: "Ver su número de teléfono",
            detail: "Y si está confirmado.",
        },
        offline_access: ScopeWords {
            short: None,
            name: "Seguir conectada en su ausencia",
            detail: "La aplicación conserva el acceso cuando usted no la usa.",
        },
    },
    error: ErrorPage {
        next: "Qué puede hacer",
        facts: "Datos para el soporte",
        code: "Error",
        why: "Motivo",
        reference: "Referencia",
        help: "Pedir ayuda",
        subject: |reference| format!("Ayuda con el error {reference}"),
        time: "Hora",
    },
    error_kinds: ErrorTexts {
        unknown_client: ErrorText {
            title: "No conocemos esta aplicación",
            text: "La aplicación que le ha enviado aquí no está registrada, o ha sido desactivada.",
            next: "Vuelva atrás e inténtelo de nuevo. Si sigue ocurriendo, avise a los responsables de la aplicación.",
        },
        redirect_uri: ErrorText {
            title: "Este enlace no es seguro",
            text: "La aplicación quiere que usted vuelva a una dirección que no tiene registrada, así que nos hemos detenido aquí.",
            next: "No intente continuar. Si confía en la aplicación, avise a sus responsables.",
        },
        bad_request: ErrorText {
            title: "No hemos entendido esta petición",
            text: "La aplicación que le ha enviado aquí ha cometido un error en su petición.",
            next: "Vuelva atrás e inténtelo de nuevo. Si sigue ocurriendo, avise a los responsables de la aplicación.",
        },
        expired: ErrorText {
            title: "Este inicio de sesión ha caducado",
            text: "Ha estado abierto demasiado tiempo, o ya se ha completado, quizá en otra pestaña.",
            next: "Vuelva a la aplicación e inicie sesión de nuevo desde allí.",
        },
        foreign_form: ErrorText {
            title: "No hemos aceptado ese formulario",
            text: "No procedía de una de nuestras páginas, o la página ha estado abierta demasiado tiempo. No se ha cambiado nada.",
            next: "Vuelva atrás, recargue la página e inténtelo de nuevo.",
        },
        too_many: ErrorText {
            title: "Un momento, por favor",
            text: "Han llegado desde su red más peticiones de las que aceptamos a la vez.",
            next: "Espere un minuto e inténtelo de nuevo.",
        },
        busy: ErrorText {
            title: "Volvemos enseguida",
            text: "Ahora mismo no podemos responder. No es culpa suya y no se ha perdido nada.",
            next: "Inténtelo de nuevo en un momento.",
        },
        broken: ErrorText {
            title: "Algo ha fallado por nuestra parte",
            text: "No es culpa suya. El error ha quedado registrado para que podamos investigarlo.",
            next: "Inténtelo de nuevo en un momento. Si sigue ocurriendo, indíquenos la referencia de abajo.",
        },
        not_found: ErrorText {
            title: "Aquí no hay nada",
            text: "Puede que la dirección esté mal escrita, o que lo que había aquí ya no exista.",
            next: "Compruebe la dirección, o vuelva al lugar de donde venía.",
        },
        bad_logout: ErrorText {
            title: "No hemos podido cerrar su sesión así",
            text: "No se ha podido verificar la petición de la aplicación, de modo que no se ha cambiado nada.",
            next: "Puede cerrar la sesión en la página de su cuenta.",
        },
    },
    times: Times {
        just_now: "ahora mismo",
        ago: |length| format!("hace {length}"),
        on: |date| format!("el {date}"),
        seconds: |n| count(n, "segundo", "segundos"),
        minutes: |n| count(n, "minuto", "minutos"),
        hours: |n| count(n, "hora", "horas"),
        days: |n| count(n, "día", "días"),
        date: |day, month, year| format!("{day} de {month} de {year}"),
        months: [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
    },
};

fn count(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
