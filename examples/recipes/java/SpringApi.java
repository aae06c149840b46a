import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An API that verifies access tokens (RFC 9068), with Spring Boot 4 (spring-boot-starter-security-oauth2-resource-server). */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(SpringApi.Invoices.class)
public class SpringApi {
    private static final String ISSUER = System.getenv("ISSUER");
    private static final String AUDIENCE = System.getenv("AUDIENCE");

    /**
     * The decoder that spring.security.oauth2.resourceserver.jwt.issuer-uri configures requires a {@code typ} of {@code JWT} or none: it refuses
     * access tokens and accepts ID tokens. In Spring Security 6.5, the builder also needs {@code validateType(false)}.
     */
    @Bean
    JwtDecoder decoder() {
        var decoder = NimbusJwtDecoder.withIssuerLocation(ISSUER)
            .jwsAlgorithm(SignatureAlgorithm.ES256)
            .build();
        decoder.setJwtValidator(JwtValidators.createAtJwtValidator()
            .issuer(ISSUER)
            .audience(AUDIENCE)
            .validators(all -> {
                all.put("client_id", SpringApi::isOfSomeClient);
                all.put("cnf", SpringApi::isUnbound);
            })
            .build());
        return decoder;
    }

    /** {@code clientId(…)} of the builder accepts one client only; here any client is accepted. */
    private static OAuth2TokenValidatorResult isOfSomeClient(Jwt token) {
        return token.getClaimAsString("client_id") == null ? refused("client_id is missing") : OAuth2TokenValidatorResult.success();
    }

    /** Bound to a certificate or a key (RFC 8705, RFC 9449), which is not checked here. */
    private static OAuth2TokenValidatorResult isUnbound(Jwt token) {
        return token.hasClaim("cnf") ? refused("a sender-constrained token") : OAuth2TokenValidatorResult.success();
    }

    private static OAuth2TokenValidatorResult refused(String why) {
        return OAuth2TokenValidatorResult.failure(new OAuth2Error("invalid_token", why, null));
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests
                .requestMatchers("/invoices").hasAuthority("SCOPE_invoices.read")
                .anyRequest().denyAll())
            .oauth2ResourceServer(server -> server.jwt(jwt -> {}))
            .build();
    }

    @RestController
    static class Invoices {
        @GetMapping("/invoices")
        Map<String, String> invoices(@AuthenticationPrincipal Jwt token) {
            return Map.of("sub", token.getSubject());
        }
    }

    public static void main(String[] arguments) {
        var application = new SpringApplication(SpringApi.class);
        application.setDefaultProperties(Map.of("server.port", System.getenv().getOrDefault("PORT", "8090")));
        application.run(arguments);
    }
}
