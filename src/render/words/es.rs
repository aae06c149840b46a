//! Spanish.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "es",
    common: Common {
        support: "Ayuda",
        privacy: "Privacidad",
        imprint: "Aviso legal",
        title: |what, place| format!("{what} – {place}"),
        problem: "Error: ",
        footer: "Más información",
        new_tab: "se abre en otra pestaña",
        show_password: "Mostrar la contraseña",
        caps_lock: "El bloqueo de mayúsculas está activado.",
        copy: "Copiar",
        copied: "Copiado",
    },
    login: Login {
        title: "Iniciar sesión",
        title_to: |client| format!("Iniciar sesión en {client}"),
        confirm: "Confirme que es usted",
        subtitle: |organisation| format!("con su cuenta de {organisation}"),
        identifier: "Nombre de usuario o correo electrónico",
        password: "Contraseña",
        keep: "Mantener la sesión iniciada",
        keep_detail: "Solo en un dispositivo que sea únicamente suyo.",
        submit: "Iniciar sesión",
        back: |client| format!("Volver a {client}"),
        wrong: "Los datos no coinciden. Compruebe el nombre de usuario o el correo y la contraseña, e inténtelo de nuevo.",
        wrong_password: "Esa contraseña no coincide. Inténtelo de nuevo.",
        throttled: |wait| {
            format!("Ha habido demasiados intentos. Podrá intentarlo de nuevo dentro de {wait}.")
        },
        expired: "Esta página ha estado abierta demasiado tiempo. Inicie sesión de nuevo, por favor.",
        busy: "Muchas personas están iniciando sesión en este momento. Inténtelo de nuevo en un instante.",
        cookies: "Su navegador no ha devuelto nuestra cookie. Permita las cookies en este sitio e inténtelo de nuevo.",
    },
    select: Select {
        title: "Elija una cuenta",
        subtitle: |client| format!("para continuar a {client}"),
        other: "Usar otra cuenta",
    },
    consent: Consent {
        title: |client| format!("¿Permitir que {client} use su cuenta?"),
        account: "Sesión iniciada como",
        not_you: "¿No es usted?",
        asks: |client| format!("{client} quiere"),
        also: |client| format!("{client} ahora también quiere"),
        in_api: |api| format!("En {api}"),
        optional: "opcional",
        claims: |list| format!("Ver estos datos: {list}"),
        offline: "Seguir conectada en su ausencia",
        offline_detail: "La aplicación conserva el acceso cuando usted no la usa, hasta que lo retire.",
        allow: "Permitir",
        deny: "Rechazar",
        destination: |host| format!("Después volverá a {host}."),
        withdraw: "Puede retirar este acceso en cualquier momento en la página de su cuenta.",
        policy: |client| format!("Privacidad en {client}"),
        terms: |client| format!("Condiciones de {client}"),
        claim: |name| {
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
        expired: "Algo ha cambiado mientras esta página estaba abierta. Revísela de nuevo y después decida.",
    },
    account: Account {
        title: "Su cuenta",
        sign_out: "Cerrar sesión",
        sessions: "Dónde tiene la sesión iniciada",
        sessions_detail: "Si no reconoce alguna de estas sesiones, ciérrela y cambie su contraseña.",
        this_device: "Este dispositivo",
        device: |browser, system| format!("{browser} en {system}"),
        unknown_device: "Dispositivo desconocido",
        since: |time| format!("Iniciada {time}"),
        active: |time| format!("Activa {time}"),
        end: "Cerrar",
        end_others: "Cerrar todas las demás",
        applications: "Aplicaciones con acceso",
        applications_detail: "Estas pueden usar su cuenta. Si retira el acceso, se aplica al instante.",
        no_applications: "Ninguna aplicación tiene acceso a su cuenta.",
        allowed: |time| format!("Permitida {time}"),
        entered: |time| format!("Usted inició sesión {time}"),
        used: |time| format!("Último uso {time}"),
        offline: "Funciona también en su ausencia",
        more: |n| format!("Mostrar {n} más"),
        sections: "En esta página",
        may: "Qué puede hacer",
        withdraw: "Retirar",
        ended: "Se ha cerrado esa sesión.",
        ended_others: "Se han cerrado todas las demás sesiones.",
        withdrawn: "Se ha retirado el acceso.",
        password_changed: "Su contraseña ha cambiado y se han cerrado todas las demás sesiones.",
        expired: "Esta página ha estado abierta demasiado tiempo y no se ha cambiado nada. Inténtelo de nuevo, por favor.",
    },
    details: Details {
        title: "Sus datos",
        detail: |organisation| {
            format!(
                "Lo que {organisation} sabe de usted. Si algo no es correcto, avise a {organisation}: aquí no se puede cambiar."
            )
        },
        verified: "verificado",
        unverified: "sin verificar",
        since: "cuenta desde",
    },
    security: Security {
        title: "Seguridad",
        changed: |time| format!("Último cambio {time}"),
        no_password: "Ninguna",
        browsers: "Navegadores conocidos",
        browsers_detail: "Ya ha iniciado sesión con ellos. Siguen entrando aunque otra persona esté intentando adivinar su contraseña.",
    },
    activity: Activity {
        title: "Actividad reciente",
        detail: "Si no reconoce algo, cambie su contraseña y cierre las demás sesiones.",
        none: "Todavía no ha pasado nada.",
        times: |n, more| if more { format!("{n} veces o más") } else { format!("{n} veces") },
        an_application: "una aplicación",
        signed_in: "Inicio de sesión",
        sign_in_failed: "Inicio de sesión fallido",
        signed_out: "Cierre de sesión",
        session_ended: "Se cerró la sesión de un dispositivo",
        others_ended: "Se cerraron las demás sesiones",
        allowed: |client| format!("Acceso permitido: {client}"),
        denied: |client| format!("Acceso denegado: {client}"),
        withdrawn: |client| format!("Acceso retirado: {client}"),
        password_changed: "Contraseña cambiada",
        password_failed: "Contraseña sin cambiar: la actual no era correcta",
        password_set: "Contraseña definida por un administrador",
        created: "Cuenta creada",
        updated: "Datos cambiados por un administrador",
        unlocked: "Inicio de sesión desbloqueado por un administrador",
        disabled: "Cuenta desactivada por un administrador",
        enabled: "Cuenta reactivada por un administrador",
    },
    password: Password {
        title: "Cambiar la contraseña",
        detail: "Su sesión continúa aquí y se cierra en todos los demás dispositivos.",
        current: "Contraseña actual",
        new: "Contraseña nueva",
        rule: |least| {
            format!(
                "Al menos {least} caracteres. Varias palabras seguidas son fáciles de recordar y difíciles de adivinar."
            )
        },
        again: "Contraseña nueva, otra vez",
        submit: "Cambiar la contraseña",
        wrong: "Esta no es su contraseña actual.",
        short: |least| {
            format!("La contraseña nueva es demasiado corta: necesita al menos {least} caracteres.")
        },
        long: "La contraseña nueva es demasiado larga. Elija una más corta, por favor.",
        weak: "Esta contraseña es fácil de adivinar. Elija otra, por favor.",
        differ: "Las dos contraseñas nuevas no son iguales.",
        same: "La contraseña nueva es la que ya tiene.",
    },
    logout: Logout {
        title: |organisation| format!("¿Cerrar la sesión de {organisation}?"),
        asked_by: |client| format!("{client} ha pedido cerrar su sesión."),
        detail: "Tendrá que iniciar sesión de nuevo la próxima vez que use una aplicación con esta cuenta.",
        yes: "Cerrar sesión",
        no: "Seguir conectado",
        done: "Ha cerrado la sesión",
        done_detail: |organisation| {
            format!("Ha salido de su cuenta de {organisation} en este dispositivo. Hasta pronto.")
        },
        again: "Iniciar sesión de nuevo",
    },
    home: Home {
        title: |organisation| format!("Su cuenta de {organisation}"),
        detail: |organisation| {
            format!(
                "Una sola cuenta para las aplicaciones de {organisation}. Vea dónde tiene la sesión iniciada y qué tiene acceso, o cambie su contraseña."
            )
        },
        account: "Ir a su cuenta",
    },
    form_post: FormPost {
        title: |client| format!("Volviendo a {client}"),
        detail: "Será solo un momento. Si no ocurre nada, continúe usted:",
        submit: "Continuar",
    },
    scopes: Scopes {
        openid: ScopeWords {
            name: "Reconocerle",
            detail: "Mediante un identificador permanente, para saber quién es la próxima vez.",
        },
        profile: ScopeWords {
            name: "Ver su perfil",
            detail: "Su nombre, foto, idioma y datos parecidos.",
        },
        email: ScopeWords { name: "Ver su correo electrónico", detail: "Y si está confirmado." },
        address: ScopeWords {
            name: "Ver su dirección postal",
            detail: "Calle, población, código postal y país.",
        },
        phone: ScopeWords { name: "Ver su número de teléfono", detail: "Y si está confirmado." },
        offline_access: ScopeWords {
            name: "Seguir conectada en su ausencia",
            detail: "La aplicación conserva el acceso cuando usted no la usa.",
        },
    },
    error: ErrorPage {
        next: "Qué puede hacer",
        facts: "Para quien investigue el problema",
        code: "Error",
        why: "Motivo",
        reference: "Referencia",
        time: "Hora",
    },
    troubles: Troubles {
        unknown_client: Plain {
            title: "No conocemos esta aplicación",
            text: "La aplicación que le ha enviado aquí no está registrada, o ha sido desactivada.",
            next: "Vuelva atrás e inténtelo de nuevo. Si sigue ocurriendo, avise a los responsables de la aplicación.",
        },
        redirect_uri: Plain {
            title: "Este enlace no es seguro",
            text: "La aplicación quiere que usted vuelva a una dirección que no tiene registrada, así que nos hemos detenido aquí.",
            next: "No intente continuar. Si confía en la aplicación, avise a sus responsables.",
        },
        bad_request: Plain {
            title: "No hemos entendido esta petición",
            text: "La aplicación que le ha enviado aquí ha cometido un error en su petición.",
            next: "Vuelva atrás e inténtelo de nuevo. Si sigue ocurriendo, avise a los responsables de la aplicación.",
        },
        expired: Plain {
            title: "Este inicio de sesión ha caducado",
            text: "Ha estado abierto demasiado tiempo, o ya se ha completado, quizá en otra pestaña.",
            next: "Vuelva a la aplicación e inicie sesión de nuevo desde allí.",
        },
        foreign_form: Plain {
            title: "No hemos aceptado ese formulario",
            text: "No procedía de una de nuestras páginas, o la página ha estado abierta demasiado tiempo. No se ha cambiado nada.",
            next: "Vuelva atrás, recargue la página e inténtelo de nuevo.",
        },
        too_many: Plain {
            title: "Un momento, por favor",
            text: "Han llegado desde su red más peticiones de las que aceptamos a la vez.",
            next: "Espere un minuto e inténtelo de nuevo.",
        },
        busy: Plain {
            title: "Volvemos enseguida",
            text: "Ahora mismo no podemos responder. No es culpa suya y no se ha perdido nada.",
            next: "Inténtelo de nuevo en un momento.",
        },
        broken: Plain {
            title: "Algo ha fallado por nuestra parte",
            text: "No es culpa suya. El error ha quedado registrado para que podamos investigarlo.",
            next: "Inténtelo de nuevo en un momento. Si sigue ocurriendo, indíquenos la referencia de abajo.",
        },
        not_found: Plain {
            title: "Aquí no hay nada",
            text: "Puede que la dirección esté mal escrita, o que lo que había aquí ya no exista.",
            next: "Compruebe la dirección, o vuelva al lugar de donde venía.",
        },
        bad_logout: Plain {
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
