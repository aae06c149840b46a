import java.util.HashMap;
import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * A web application that signs users in, with Spring Boot 4 (spring-boot-starter-security-oauth2-client). It uses PKCE by default
 * since Spring Security 7.
 */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(SpringClient.Home.class)
public class SpringClient {
    @RestController
    static class Home {
        @GetMapping("/")
        ResponseEntity<Map<String, String>> home(@AuthenticationPrincipal OidcUser user) {
            var shown = Map.of("sub", user.getSubject(), "email", user.getEmail());
            return ResponseEntity.ok().contentType(MediaType.APPLICATION_JSON).body(shown);
        }
    }

    /** The same names are used in application.properties. The redirect URI is /login/oauth2/code/gatewright. */
    private static Map<String, Object> properties() {
        var registration = "spring.security.oauth2.client.registration.gatewright.";
        var properties = new HashMap<String, Object>();
        properties.put("spring.security.oauth2.client.provider.gatewright.issuer-uri", System.getenv("ISSUER"));
        // `sub` identifies the user, as by default; an e-mail address is not an identifier.
        properties.put("spring.security.oauth2.client.provider.gatewright.user-name-attribute", "sub");
        properties.put(registration + "client-id", System.getenv("CLIENT_ID"));
        properties.put(registration + "client-secret", System.getenv("CLIENT_SECRET"));
        properties.put(registration + "scope", "openid,profile,email");
        properties.put("server.port", System.getenv().getOrDefault("PORT", "8090"));
        return properties;
    }

    public static void main(String[] arguments) {
        var application = new SpringApplication(SpringClient.class);
        application.setDefaultProperties(properties());
        application.run(arguments);
    }
}
